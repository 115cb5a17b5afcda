"""Tables of replies stay readable on narrow terminals."""

import pytest

from tests.streaming import one_shot

WIDE = """\
| Method | Complexity | Memory | When to use it | Notes |
|---|---|--:|---|---|
| Bubble sort | O(n²) | O(1) | Teaching, tiny arrays | Stable; swaps much |
| Merge sort | O(n log n) | O(n) | Linked lists, external sorting | Stable, predictable |
| Quicksort | O(n log n) average | O(log n) | General purpose in-memory sorting | Bad pivots make it O(n²) |
"""


def rows(columns: int) -> list[str]:
    return ["".join(cell[0] for cell in row) for row in one_shot(WIDE, columns)]


@pytest.mark.parametrize("columns", [30, 40, 50, 60, 70, 80])
def test_no_word_of_a_wide_table_is_broken(columns: int) -> None:
    words = [word.rstrip(":") for row in rows(columns) for word in row.split()]
    assert set(WIDE.replace("|", " ").replace("---", "").replace("--:", "").split()) <= set(words)
    assert max(map(len, rows(columns))) <= columns


def test_where_its_words_do_not_fit_each_row_is_a_record() -> None:
    assert rows(40)[:5] == [
        *["Method: Bubble sort", "Complexity: O(n²)", "Memory: O(1)"],
        *["When to use it: Teaching, tiny arrays", "Notes: Stable; swaps much"],
    ]
    assert rows(60)[0].split("  ")[0] == "Method"
