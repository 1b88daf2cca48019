"""One file per command or group, named as typed."""
