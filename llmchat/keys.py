"""The keys of the prompt that are not prompt_toolkit's own."""

from collections.abc import Callable

from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from llmchat.lines import is_open_block


def key_bindings(multiline: Callable[[], bool], on_paste: Callable[[], None]) -> KeyBindings:
    """The bindings; `multiline` says whether Enter begins a new line, `on_paste` is told of a paste."""
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        """Send, or begin a new line: in multi-line mode, and between three quotes."""
        text = event.current_buffer.text
        if is_open_block(text) or (multiline() and not text.startswith("/")):
            event.current_buffer.newline(copy_margin=False)
        else:
            event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        """Begin a new line; in multi-line mode, send."""
        if multiline():
            event.current_buffer.validate_and_handle()
        else:
            event.current_buffer.newline(copy_margin=False)

    @keys.add("c-j")
    def _(event: KeyPressEvent) -> None:
        """Begin a new line."""
        event.current_buffer.newline(copy_margin=False)

    @keys.add("c-c")
    def _(event: KeyPressEvent) -> None:
        """Clear the line; on an empty one, tell how to leave."""
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt)

    @keys.add(Keys.BracketedPaste)
    def _(event: KeyPressEvent) -> None:
        """Insert what was pasted as it is; its line ends send nothing."""
        on_paste()
        event.current_buffer.insert_text(event.data.replace("\r\n", "\n").replace("\r", "\n"))

    return keys
