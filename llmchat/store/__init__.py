"""Every conversation, request and answer in one SQLite file; the only room that knows SQL."""

from llmchat.store.database import Database
from llmchat.store.writing import Entry, Store

__all__ = ["Database", "Entry", "Store"]
