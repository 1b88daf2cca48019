"""Where people are: files, a queue in MongoDB, Label Studio."""
