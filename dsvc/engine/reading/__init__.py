"""What a step reads: its inputs as columns, and which of them differ from what a trace had."""
