"""Which sources a dataset selects."""
