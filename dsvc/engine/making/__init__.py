"""The making of what is stale: steps, groups and workers, and the traces that remember what was made."""
