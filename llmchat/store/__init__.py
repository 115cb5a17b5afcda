"""Every conversation, request and answer, kept in one SQLite file; and what can be made of them."""
