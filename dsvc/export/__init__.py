"""A dataset at one version, written as files; one module a format."""
