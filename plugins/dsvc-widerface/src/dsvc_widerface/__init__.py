"""The annotations of the WIDER FACE benchmark, as a feed for dsvc."""
