"""The bars of several tasks on a screen: what matters most is laid out first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
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
    *(("word", 16), ("bar", MIN_BAR_WIDTH), ("facts", 11), ("word", 10), ("name", 12)),
    *(("facts", 0), ("word", 8), ("name", 0), ("word", 0)),
)
"""Which column gives way down to which width, one after the other. The percentage never does."""
MAX_TAIL_CHARS = 300
"""So much of an unfinished line of output is shown below the bars; the whole line goes above them when it ends."""
MIN_HEIGHT = 4
END_CHARS = 4
"""Of an id where there is little room."""


class Board:
    """The bars of several tasks, in the order given. Renderable."""

    def __init__(self, bars: Iterable[Bar], clock: Callable[[], float]) -> None:
        self.bars = {bar.task: bar for bar in bars}
        self.note = ""
        """About the connection; empty while it is well."""
        self.whole = False
        """Whether all bars are shown, however many lines the terminal has."""
        self._clock = clock

    def apply(self, watched: Watched) -> list[Text]:
        """Take in one event. Returns the lines to print above."""
        self.note = ""
        if watched.event == "hello":  # a new connection says again which tasks are stalled
            for each in self.bars.values():
                each.silent = None
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
        bars = list(self.bars.values())
        shown = bars if self.whole or len(bars) <= height else _relevant(bars, height - 1)
        yield _table(shown, now, options.max_width, ascii_only=options.ascii_only)
        if len(shown) < len(bars):
            yield Text(_rest(bars, shown), "dim", no_wrap=True, overflow="ellipsis")
        elif self.whole or len(bars) == 1:
            yield from _messages(bars, options.max_width, several=len(bars) > 1)
        else:
            room = _relevant([bar for bar in bars if bar.tail or bar.message() or bar.sub()], height - len(bars))
            yield from _messages(room, options.max_width, several=True)
        if self.note:
            yield Text(self.note, "yellow", no_wrap=True, overflow="ellipsis")


def fit(natural: Mapping[str, int], width: int, narrowing: Sequence[tuple[str, int]] = NARROWING) -> dict[str, int]:
    """The widths of columns that together, with gaps, are at most `width`, if `narrowing` allows for that.

    >>> fit({"name": 10, "word": 40, "bar": 28, "percent": 4, "facts": 20}, 80)
    {'name': 10, 'word': 16, 'bar': 22, 'percent': 4, 'facts': 20}
    """
    fitted = dict(natural)
    for name, floor in narrowing:
        over = sum(cells + GAP for cells in fitted.values() if cells) - GAP - width
        if over <= 0:
            break
        fitted[name] = max(fitted[name] - over, min(floor, fitted[name]))
    return fitted


def _table(bars: Sequence[Bar], now: float, width: int, *, ascii_only: bool) -> Table:
    texts = [(bar.name, bar.word, percent(bar.progress), "  ".join(bar.facts(now))) for bar in bars]
    name, word, share, facts = (max(map(cell_len, column), default=0) for column in zip(*texts, strict=True))
    cells = fit({"name": name, "word": word, "bar": BAR_WIDTH, "percent": share, "facts": facts}, width)
    table = Table.grid(padding=(0, GAP))
    for column, wide in cells.items():
        if wide:
            right = column == "percent"
            table.add_column(justify="right" if right else "left", no_wrap=True, overflow="ellipsis", width=wide)
    for bar in bars:
        made: dict[str, RenderableType] = {
            "name": Text(_name(bar, cells["name"]), "bold"),
            "word": Text(bar.word, bar.style),
            "bar": _bar(bar, cells["bar"], ascii_only=ascii_only),
            "percent": Text(percent(bar.progress)),
            "facts": Text("  ".join(bar.facts(now, cells["facts"])), "dim"),
        }
        table.add_row(*(made[column] for column, wide in cells.items() if wide))
    return table


def _name(bar: Bar, width: int) -> str:
    """The kind and the id, of which the last characters tell tasks apart longest."""
    if cell_len(bar.name) <= width:
        return bar.name
    end = bar.task[-END_CHARS:]
    return f"{set_cell_size(one_line(bar.kind), max(width - END_CHARS - 2, 0)).rstrip()} …{end}".strip()


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
        lead = f"  {bar.name}: " if several else "  "
        if bar.tail and several:
            yield Text(lead + _end(bar.tail, width - cell_len(lead)), "dim", no_wrap=True, overflow="crop")
        elif bar.tail:  # the end of it is what is new
            yield Text(lead + bar.tail[-MAX_TAIL_CHARS:], "dim")
        elif several and (said := " · ".join(filter(None, (bar.message(), bar.sub())))):
            yield Text(lead + said, "dim", no_wrap=True, overflow="ellipsis")
        elif message := bar.message():
            yield Text(lead + message, "dim", no_wrap=True, overflow="ellipsis")
        if not several and (sub := bar.sub()):
            yield Text(f"{lead}  {sub}", "dim", no_wrap=True, overflow="ellipsis")


def _end(text: str, width: int) -> str:
    """As much of the end of `text` as fits in `width` cells."""
    kept = text[-max(width, 0) :] if width > 0 else ""
    while cell_len(kept) > width:
        kept = kept[1:]
    return kept


def _relevant(bars: Sequence[Bar], count: int) -> list[Bar]:
    """At most `count` of them in their order: what runs, then what failed, what waits, what has ended well."""
    chosen = sorted(bars, key=_rank)[: max(count, 0)]
    return [bar for bar in bars if bar in chosen]


def _rank(bar: Bar) -> int:
    if bar.status in RUNNING:
        return 0
    return {"error": 1, "completed": 3, "cancelled": 3}.get(bar.status, 2)


def _rest(bars: Sequence[Bar], shown: Sequence[Bar]) -> str:
    hidden = [bar for bar in bars if bar not in shown]
    words = Counter("running" if bar.status in RUNNING else bar.status or "waiting" for bar in hidden)
    return f"… and {len(hidden)} more ({', '.join(f'{number} {word}' for word, number in words.items())})"
