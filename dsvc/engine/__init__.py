"""What must be made again, counted before it runs, and the making of it."""
