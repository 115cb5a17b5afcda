"""Models that llmchat runs on this machine."""
