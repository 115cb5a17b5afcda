"""The keys of the prompt that are not prompt_toolkit's own."""

from collections.abc import Callable

from prompt_toolkit.application import Application
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from llmchat.input.lines import is_open_block


def key_bindings(
    multiline: Callable[[], bool],
    on_paste: Callable[[], None],
    suspend: Callable[[Application[str]], None],
    nudge: Callable[[int], None],
) -> KeyBindings:
    """The bindings; `multiline` says whether Enter begins a new line, `on_paste` is told of a paste,
    `suspend` of Ctrl-Z, `nudge` to raise (1) or lower (-1) a number."""

    def enter(event: KeyPressEvent) -> None:
        text = event.current_buffer.text
        if is_open_block(text) or (multiline() and not text.startswith("/")):
            _new_line(event)
        else:
            event.current_buffer.validate_and_handle()

    def alt_enter(event: KeyPressEvent) -> None:
        if multiline():
            event.current_buffer.validate_and_handle()
        else:
            _new_line(event)

    def paste(event: KeyPressEvent) -> None:
        on_paste()
        # As it is: its line ends send nothing.
        event.current_buffer.insert_text(event.data.replace("\r\n", "\n").replace("\r", "\n"))

    keys = KeyBindings()
    # The search of the history has keys of its own.
    typing = has_focus(DEFAULT_BUFFER)
    keys.add("enter", filter=typing)(enter)
    keys.add("escape", "enter", filter=typing)(alt_enter)
    keys.add("c-j", filter=typing)(_new_line)
    keys.add("c-c", filter=typing)(_clear)
    keys.add(Keys.BracketedPaste, filter=typing)(paste)
    keys.add("c-x", "c-e", filter=typing)(_edit)
    keys.add("escape", "up", filter=typing)(lambda _: nudge(1))
    keys.add("escape", "down", filter=typing)(lambda _: nudge(-1))
    keys.add("c-z")(lambda event: suspend(event.app))
    return keys


def _new_line(event: KeyPressEvent) -> None:
    event.current_buffer.newline(copy_margin=False)


def _edit(event: KeyPressEvent) -> None:
    """Edit the input in $EDITOR; what comes back stands at the prompt."""
    event.current_buffer.open_in_editor(validate_and_handle=False)


def _clear(event: KeyPressEvent) -> None:
    """Clear the line; on an empty one, have the loop tell how to leave."""
    if event.current_buffer.text:
        event.current_buffer.reset()
    else:
        event.app.exit(exception=KeyboardInterrupt)
