"""The slash commands, a file a subject; `registry` knows them all."""

from llmchat.commands import conversation, parameters, program, server
from llmchat.registry import Registry

registry = Registry(program.group, parameters.group, server.group, conversation.group)
