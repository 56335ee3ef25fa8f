"""The progress bars of several tasks, fitted to the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from headway.cli.render.bars import RUNNING, Bar
from headway.cli.render.text import one_line, percent
from headway.client.event_stream import Watched

GAP = 2
BAR_WIDTH = 28
MIN_BAR_WIDTH = 10
NARROWING = (
    *(("label", 16), ("bar", MIN_BAR_WIDTH), ("stats", 11), ("label", 10), ("name", 12)),
    *(("stats", 0), ("label", 8), ("name", 0), ("label", 0)),
)
"""Columns to narrow, in this order, each with its minimum width in cells. The percentage is never narrowed."""
MAX_PARTIAL_CHARS = 300
"""Characters of an unfinished line of output shown below the bars. The full line is printed above when it ends."""
MIN_HEIGHT = 4
ID_END_CHARS = 4
"""Characters of an id shown in a narrow column."""


class Board:
    """Renderable with a bar for each task, in the given order. Times are seconds of `clock`."""

    def __init__(self, bars: Iterable[Bar], clock: Callable[[], float]) -> None:
        self.bars = {bar.task: bar for bar in bars}
        self.parts: dict[str, list[Bar]] = {}
        """By task, the bars of its parts, which are shown below its own."""
        self.note = ""
        """Message about the connection; empty while it is connected."""
        self.show_all = False
        """Whether to show all bars even if the terminal has fewer lines."""
        self._clock = clock

    def apply(self, watched: Watched) -> list[Text]:
        """Update the task's bar from an event. Return the lines to print above the bars."""
        self.note = ""
        if watched.event == "hello":  # the server reports stalled tasks again on each connection
            for each in self.bars.values():
                each.stalled_seconds = None
        bar = self.bars.get(watched.task)
        if bar is None:
            return []
        lines = bar.apply(watched, self._clock())
        if len(self.bars) > 1:
            return [Text.assemble((f"{bar.name} │ ", "dim"), line) for line in lines]
        return lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        now = self._clock()
        height = max(console.size.height - 1 - bool(self.note), MIN_HEIGHT)
        bars = [each for bar in self.bars.values() for each in (bar, *self.parts.get(bar.task, ()))]
        shown = bars if self.show_all or len(bars) <= height else _select(bars, height - 1)
        yield _table(shown, now, options.max_width, ascii_only=options.ascii_only)
        if len(shown) < len(bars):
            yield Text(_hidden_summary(bars, shown), "dim", no_wrap=True, overflow="ellipsis")
        elif self.show_all or len(bars) == 1:
            yield from _messages(bars, options.max_width, several=len(bars) > 1)
        else:
            room = _select([bar for bar in bars if bar.partial_line or bar.message() or bar.sub()], height - len(bars))
            yield from _messages(room, options.max_width, several=True)
        if self.note:
            yield Text(self.note, "yellow", no_wrap=True, overflow="ellipsis")


def fit_columns(
    natural: Mapping[str, int], width: int, narrowing: Sequence[tuple[str, int]] = NARROWING
) -> dict[str, int]:
    """Narrow columns until they and their gaps fit in `width` cells, as far as `narrowing` allows.

    >>> fit_columns({"name": 10, "label": 40, "bar": 28, "percent": 4, "stats": 20}, 80)
    {'name': 10, 'label': 16, 'bar': 22, 'percent': 4, 'stats': 20}
    """
    fitted = dict(natural)
    for name, floor in narrowing:
        over = sum(cells + GAP for cells in fitted.values() if cells) - GAP - width
        if over <= 0:
            break
        fitted[name] = max(fitted[name] - over, min(floor, fitted[name]))
    return fitted


def _table(bars: Sequence[Bar], now: float, width: int, *, ascii_only: bool) -> Table:
    widths = fit_columns(_natural_widths(bars, now), width)
    table = Table.grid(padding=(0, GAP))
    for column, cells in widths.items():
        if cells:
            justify: JustifyMethod = "right" if column == "percent" else "left"
            table.add_column(justify=justify, no_wrap=True, overflow="ellipsis", width=cells)
    for bar in bars:
        row: dict[str, RenderableType] = {
            "name": Text(_name(bar, widths["name"]), "bold"),
            "label": Text(bar.label, bar.style),
            "bar": _bar(bar, widths["bar"], ascii_only=ascii_only),
            "percent": Text(percent(bar.progress)),
            "stats": Text("  ".join(bar.stats(now, widths["stats"])), "dim"),
        }
        table.add_row(*(row[column] for column, cells in widths.items() if cells))
    return table


def _natural_widths(bars: Sequence[Bar], now: float) -> dict[str, int]:
    """Return the width of each column in cells with no limit."""
    texts = [(bar.name, bar.label, percent(bar.progress), "  ".join(bar.stats(now))) for bar in bars]
    name, label, share, stats = (max(map(cell_len, column), default=0) for column in zip(*texts, strict=True))
    return {"name": name, "label": label, "bar": BAR_WIDTH, "percent": share, "stats": stats}


def _name(bar: Bar, width: int) -> str:
    """Return kind and id; in a narrow column the start of the kind and the end of the id, which differs most."""
    if cell_len(bar.name) <= width:
        return bar.name
    end = bar.task[-ID_END_CHARS:]
    return f"{set_cell_size(one_line(bar.kind), max(width - ID_END_CHARS - 2, 0)).rstrip()} …{end}".strip()


def _bar(bar: Bar, width: int, *, ascii_only: bool) -> RenderableType:
    if ascii_only:
        full = int(width * min(max(bar.progress, 0), 100) / 100)
        return Text.assemble(("#" * full, bar.style), ("-" * (width - full), "dim"))
    return ProgressBar(
        total=100,
        completed=bar.progress,
        width=width,
        style="bar.back",
        complete_style=bar.style,
        finished_style=bar.style,
    )


def _messages(bars: Iterable[Bar], width: int, *, several: bool) -> Iterator[Text]:
    for bar in bars:
        prefix = f"  {bar.name}: " if several else "  "
        if bar.partial_line and several:
            yield Text(
                prefix + _truncate_start(bar.partial_line, width - cell_len(prefix)),
                "dim",
                no_wrap=True,
                overflow="crop",
            )
        elif bar.partial_line:  # its end is the new part
            yield Text(prefix + bar.partial_line[-MAX_PARTIAL_CHARS:], "dim")
        elif several and (text := " · ".join(filter(None, (bar.message(), bar.sub())))):
            yield Text(prefix + text, "dim", no_wrap=True, overflow="ellipsis")
        elif message := bar.message():
            yield Text(prefix + message, "dim", no_wrap=True, overflow="ellipsis")
        if not several and (sub := bar.sub()):
            yield Text(f"{prefix}  {sub}", "dim", no_wrap=True, overflow="ellipsis")


def _truncate_start(text: str, width: int) -> str:
    """Return as much of the end of `text` as fits in `width` cells."""
    kept = text[-max(width, 0) :] if width > 0 else ""
    while cell_len(kept) > width:
        kept = kept[1:]
    return kept


def _select(bars: Sequence[Bar], count: int) -> list[Bar]:
    """Select at most `count` bars, in their order: first running, then failed, waiting, completed or cancelled."""
    chosen = sorted(bars, key=_rank)[: max(count, 0)]
    return [bar for bar in bars if bar in chosen]


def _rank(bar: Bar) -> int:
    if bar.status in RUNNING:
        return 0
    return {"error": 1, "completed": 3, "cancelled": 3}.get(bar.status, 2)


def _hidden_summary(bars: Sequence[Bar], shown: Sequence[Bar]) -> str:
    hidden = [bar for bar in bars if bar not in shown]
    counts = Counter("running" if bar.status in RUNNING else bar.status or "waiting" for bar in hidden)
    return f"… and {len(hidden)} more ({', '.join(f'{number} {status}' for status, number in counts.items())})"
