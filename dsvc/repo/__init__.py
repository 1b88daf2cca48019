"""A repository without its recipe: draft, commits, refs, history, diff and blame."""
