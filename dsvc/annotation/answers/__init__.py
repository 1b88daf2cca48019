"""Asks and answers as plain data: what identifies them, how alike two are, what several say together."""
