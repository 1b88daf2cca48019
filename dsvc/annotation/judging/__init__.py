"""What the answers to one item come to: rounds, lots, verdicts, and the asks that follow. Pure."""
