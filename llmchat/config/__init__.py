"""What is set before a chat begins, and kept after it."""
