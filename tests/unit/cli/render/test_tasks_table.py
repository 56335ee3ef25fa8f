"""The table of tasks."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from headway.cli.render.tasks_table import tasks_table

ID = "06gvo8jheds2j05omsig89n1qg"


@pytest.mark.parametrize("width", [20, 26, 40, 60, 80, 120])
def test_ids_in_a_list_can_be_copied_at_any_width(width: int) -> None:
    """Other columns are dropped: the age first, the status last. No line is wider than the terminal."""
    state = {"status": "processing", "progress": 42.5, "step": "Fetching", "message": "page 42 of very many" * 9}
    tasks = [{"task": ID, "kind": "crawl", "created": 0, "state": state}, {"task": "t2", "kind": "bulk", "created": 9}]
    out = Console(file=io.StringIO(), width=width)
    out.print(tasks_table(tasks, 100, width))
    lines = out.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(cell_len, lines)) <= width
    assert ID in "".join(line.strip() for line in lines) if width < len(ID) else any(ID in line for line in lines)
    assert ("page 42" in lines[2]) == (width >= 80)
    assert ("processing" in lines[2]) == (width >= 40)
