"""The plots of `docs/performance.md`, of one run: bars for A to D by peer, latency, and growth.

Figures of different runs must not be combined in one plot: only ratios of one run are meaningful.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
mpl.rcParams.update({"svg.hashsalt": "headway", "svg.fonttype": "none", "font.size": 9, "axes.axisbelow": True})

from matplotlib import pyplot as plt  # noqa: E402 - after the backend is chosen
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from bench.harness.results import Section  # noqa: E402

DOCS = Path(__file__).parents[2] / "docs" / "img"
OWN, OWN_LIGHT, OTHER = "#0b6e4f", "#5fb49c", "#9aa5b1"

Row = dict[str, Any]


def draw(sections: Sequence[Section], directory: Path) -> None:
    """Write an SVG per plot, for the questions that were answered."""
    directory.mkdir(parents=True, exist_ok=True)
    found = {section.name: section for section in sections}
    for names, name, picture in PICTURES:
        if set(names) <= set(found):
            figure = picture(*(found[wanted] for wanted in names))
            figure.savefig(directory / f"bench-{name}.svg", metadata={"Date": None, "Creator": None})
            plt.close(figure)


def throughput(fanout: Section, many_tasks: Section) -> Figure:
    """A, B and C: events per CPU-second."""
    workloads = sorted({row["workload"] for row in fanout.rows}) + sorted({row["workload"] for row in many_tasks.rows})
    figure, axes = plt.subplots(1, len(workloads), figsize=(11, 3), layout="constrained")
    for axis, workload in zip(axes, workloads, strict=True):
        rows = [row for row in fanout.rows + many_tasks.rows if row["workload"] == workload]
        _bars(axis, rows, "events_per_cpu_second", workload, "events per CPU-second, thousands", lambda v: v / 1000)
    return figure


def idle(section: Section) -> Figure:
    """D: memory per connection."""
    figure, axis = plt.subplots(figsize=(5, 2.6), layout="constrained")
    rows = [row for row in section.rows if "kib_per_connection" in row]
    _bars(axis, rows, "kib_per_connection", section.title, "KiB per connection", lambda v: v)
    return figure


def latency(section: Section) -> Figure:
    """p50 and p99 side by side."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 2.6), layout="constrained")
    for axis, key in zip(axes, ("p50_ms", "p99_ms"), strict=True):
        _bars(axis, section.rows, key, f"Latency, {key[:3]}", "ms", lambda v: v)
    return figure


def growth(section: Section) -> Figure:
    """Cost by number of watchers and of tasks."""
    lines = list(dict.fromkeys(row["workload"] for row in section.rows))
    figure, axes = plt.subplots(1, len(lines), figsize=(8, 3), layout="constrained")
    for axis, line in zip(axes, lines, strict=True):
        for place, peer in enumerate(dict.fromkeys(row["peer"] for row in section.rows)):
            rows = [row for row in section.rows if row["workload"] == line and row["peer"] == peer]
            axis.plot(
                [row["number"] for row in rows],
                [row["events_per_cpu_second"] / 1000 for row in rows],
                marker="o",
                linestyle=("-", "--", ":", "-.")[place % 4],
                color=_colour(peer),
                label=peer,
            )
        axis.set(xscale="log", title=line, xlabel="number", ylabel="events per CPU-second, thousands")
        axis.set_ylim(bottom=0)
        _plain(axis)
        axis.grid(axis="y", alpha=0.3)
    axes[0].legend(frameon=False)
    return figure


def jobs(section: Section) -> Figure:
    """Jobs per second, and per CPU-second of the worker."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
    for axis, key, label in zip(
        axes,
        ("jobs_per_second", "jobs_per_cpu_second"),
        ("jobs per second", "jobs per CPU-second of the worker"),
        strict=True,
    ):
        _bars(axis, section.rows, key, "A backlog that does nothing", label, lambda v: v)
    return figure


PICTURES: list[tuple[list[str], str, Callable[..., Figure]]] = [
    (["fanout", "many_tasks"], "throughput", throughput),
    (["idle"], "idle", idle),
    (["latency"], "latency", latency),
    (["growth"], "growth", growth),
    (["jobs"], "jobs", jobs),
]


def _bars(axis: Axes, rows: list[Row], key: str, title: str, label: str, scale: Callable[[float], float]) -> None:
    names = [row["peer"] for row in rows]
    values = [scale(row[key]) for row in rows]
    bars = axis.barh(names, values, color=[_colour(name) for name in names])
    axis.bar_label(bars, [f"{value:,.0f}" if value >= 20 else f"{value:.1f}" for value in values], padding=3)
    axis.invert_yaxis()
    axis.margins(x=0.2)
    axis.set(title=title, xlabel=label)
    _plain(axis)


def _colour(peer: str) -> str:
    if peer == "headway":
        return OWN
    return OWN_LIGHT if peer.startswith("headway") else OTHER


def _plain(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
