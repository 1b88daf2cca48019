"""The demo: documents of real face annotations, a recipe for them, and the story that `dsvc demo` tells with both."""
