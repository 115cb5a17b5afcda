"""How prompt_toolkit takes what it has drawn off the screen, where it would leave some or take too much."""

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Point
from prompt_toolkit.renderer import Renderer

from llmchat.terminal.reflow import terminal_reflows, wrapped_height


def redraw_well(app: Application[str]) -> None:
    """Let this application erase what it has drawn, wherever a changed width has put that."""
    app.renderer = _Wiping(
        app.renderer.style, app.output, cpr_not_supported_callback=app.cpr_not_supported_callback
    )


class _Wiping(Renderer):
    """prompt_toolkit takes it that rows stand where it has drawn them."""

    def erase(self, leave_alternate_screen: bool = True) -> None:
        """Empty the screen from the first row that was drawn, and leave the cursor there."""
        output = self.output
        output.cursor_backward(self._cursor_pos.x)
        output.cursor_up(self._rows_above())
        # From its corner tmux would not empty the screen, but scroll it into its history.
        output.erase_end_of_line()
        output.cursor_forward(1)
        self._cursor_pos = Point(1, 0)
        output.erase_down()
        super().erase(leave_alternate_screen)

    def _rows_above(self) -> int:
        """The rows of the screen between the first that was drawn and the cursor."""
        drawn, cursor = self.last_rendered_screen, self._cursor_pos
        columns = self.output.get_size().columns
        if drawn is None or not terminal_reflows():
            return cursor.y
        above = (drawn.data_buffer[row] for row in range(cursor.y))
        ends = (max((x for x, cell in row.items() if cell.char != " "), default=0) + 1 for row in above)
        return sum(wrapped_height(end, columns) for end in ends) + cursor.x // columns
