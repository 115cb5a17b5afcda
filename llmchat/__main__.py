"""`python -m llmchat`."""

import sys

from llmchat.cli import main

sys.exit(main())
