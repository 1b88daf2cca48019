"""Values, their canonical bytes and ids, and the algorithms over them; pure."""
