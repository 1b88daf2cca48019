"""What a run would make again and why, told before it runs."""
