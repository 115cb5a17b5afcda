"""The slash commands, a file a subject; `registry` knows them all."""

from llmchat.commands.help import registry

__all__ = ["registry"]
