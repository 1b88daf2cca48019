"""Where the batches of a step are run."""
