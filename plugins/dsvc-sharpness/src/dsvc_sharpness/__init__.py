"""Sharpness of faces, as a transform for dsvc."""
