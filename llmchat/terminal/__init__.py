"""What is shown and typed: markdown while it streams, the screen, the prompt."""
