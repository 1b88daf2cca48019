"""Public contract suites and fault injection for stores and plugins."""
