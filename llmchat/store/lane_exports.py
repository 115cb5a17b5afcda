"""A comparison as a file: a table, JSON records, or a page with the answers side by side."""

import csv
import html
import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import Any

from llmchat.lab.comparison import Measures, foot, label, measured
from llmchat.store.answers import Answer, data
from llmchat.store.html_pages import from_markdown, page

_BAR = 220
"""The longest bar of the chart, in its own units."""

_ROW, _LABELS, _NUMBERS = 16, 210, 50


def csv_table(question: str, answers: Sequence[Answer]) -> str:
    """A row for each answer: what sets it apart, its text, how it went, its measures.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    lines: list[str] = []
    rows = [_row(answer, each) for answer, each in zip(answers, measured(answers), strict=True)]
    writer = csv.DictWriter(SimpleNamespace(write=lines.append), ["question", *rows[0]])
    writer.writeheader()
    writer.writerows(
        {name: _text(value) for name, value in {"question": question, **row}.items()} for row in rows
    )
    return "".join(lines)


def _text(value: Any) -> Any:
    """A cell's value; a text stays one in a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _row(answer: Answer, each: Measures) -> dict[str, Any]:
    record = data(answer)
    inner = {**(record["usage"] or _NO_USAGE), **record["timings"]}
    names = ("finish_reason", "error", "model", "server", "seed")
    return {
        "lane": answer.number,
        **{name: value for name, value in answer.differs.items() if name not in names},
        "text": record["text"],
        "reasoning": record["reasoning"],
        **{name: record[name] for name in names},
        **inner,
        "words": each.words,
        "distinct": each.distinct,
        "likeness": each.likeness,
        "mean_logprob": each.mean_logprob,
        "identical_to": " ".join(map(str, each.same_as)),
    }


_NO_USAGE = dict.fromkeys(("prompt_tokens", "completion_tokens", "cached_tokens"))


def json_records(question: str, answers: Sequence[Answer]) -> str:
    """The question, and the record of each answer."""
    return (
        json.dumps({"question": question, "answers": [data(answer) for answer in answers]}, indent=1) + "\n"
    )


def html_page(question: str, answers: Sequence[Answer]) -> str:
    """The question, a small chart, and the answers side by side."""
    lanes = "\n".join(map(_lane, answers))
    asked = f'<pre class="question">{html.escape(question)}</pre>'
    body = f'{asked}\n{_chart(answers)}\n<div class="lanes">\n{lanes}\n</div>'
    return page("A comparison", body, _STYLE)


def _lane(answer: Answer) -> str:
    error = f'<p class="error">{html.escape(answer.request.error)}</p>' if answer.request.error else ""
    head = html.escape(label(answer.number, answer.differs))
    text = from_markdown(answer.message.content)
    return f"<section><h2>{head}</h2>{text}{error}<footer>{html.escape(foot(answer))}</footer></section>"


def _chart(answers: Sequence[Answer]) -> str:
    """Bars for each answer: its length, its distinct words, its likeness to the first."""
    measures = measured(answers)
    longest = max(1, *(each.words for each in measures))
    rows = []
    for answer, each in zip(answers, measures, strict=True):
        rows.append((label(answer.number, answer.differs), "", 0.0, "name"))
        rows.append(("words", f"{each.words:,}", each.words / longest, "words"))
        rows.append(("distinct words", f"{each.distinct or 0:.0%}", each.distinct or 0.0, "distinct"))
        rows.append(("like 1", f"{each.likeness:.0%}", each.likeness, "like"))
    bars = "".join(_bar(number, *row) for number, row in enumerate(rows))
    size = f'viewBox="0 0 {_LABELS + _BAR + _NUMBERS} {_ROW * len(rows)}"'
    return f'<svg role="img" aria-label="The answers in numbers" {size}>{bars}</svg>'


def _bar(row: int, name: str, value: str, share: float, kind: str) -> str:
    y = row * _ROW
    texts = f'<text class="{kind}" x="0" y="{y + 12}">{html.escape(name)}</text>'
    if kind == "name":
        return texts
    width = round(_BAR * share, 1)
    return (
        f'{texts}<rect class="{kind}" x="{_LABELS}" y="{y + 3}" width="{width}" height="{_ROW - 5}"/>'
        f'<text x="{_LABELS + width + 5}" y="{y + 12}">{value}</text>'
    )


FORMATS: Mapping[str, Callable[[str, Sequence[Answer]], str]] = MappingProxyType(
    {".csv": csv_table, ".json": json_records, ".html": html_page}
)
"""What writes a comparison, by the ending of the file."""

_STYLE = """\
body { max-width: none; }
.question { font-weight: 600; }
.lanes { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1.5rem; }
.lanes section { min-width: 0; overflow-wrap: anywhere; }
.error { color: #d33; }
footer { font-size: 0.8rem; opacity: 0.6; }
svg { display: block; width: 100%; max-width: 40rem; margin: 1rem 0; font-size: 11px; }
svg text { fill: currentColor; }
svg text.name { font-weight: 600; }
rect.words { fill: #4c8bf5; } rect.distinct { fill: #2a9d6f; } rect.like { fill: #c77d2e; }
"""
