"""The way of an ask to people and back: requests, attempts, release, intake."""
