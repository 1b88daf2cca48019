"""Bytes in and out: objects by id, and refs that move by compare-and-swap."""
