"""What happens between the command line and a chat."""
