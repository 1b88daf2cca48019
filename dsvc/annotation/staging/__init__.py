"""Copies of images for people's eyes: rendered, shared, and deleted within a day."""
