"""What is in a dataset and why, counted from what is stored."""
