"""What holds for every test."""

from hypothesis import settings

# A busy machine is no failure: hypothesis measures wall time.
settings.register_profile("llmchat", deadline=None)
settings.load_profile("llmchat")
