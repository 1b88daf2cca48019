"""dsvc.toml and the Python files it reaches, read into feeds, signals, steps and datasets."""
