"""One bar of tqdm that is a count of a task."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headway.job import Job, current

if TYPE_CHECKING:
    from tqdm.std import tqdm

End = Callable[[BaseException | None, bool], None]
"""Called when a bar ends: with what its loop or `with` block raised, and whether its loop was left before its end."""


class Count:
    """The count of one bar, which does not know the bar: a bar that nothing refers to any more ends at once.

    Args:
        given: the arguments that the bar was made with.
        end: called when the bar ends.
    """

    __slots__ = ("bar", "blind", "done", "end", "error", "given", "job", "left", "looping", "scale")

    def __init__(self, job: Job, bar: tqdm[Any], given: Mapping[str, Any], end: End | None) -> None:
        self.job = job
        self.given = given
        self.blind = bool(bar.disable)
        """Whether tqdm itself does not count, as there is no terminal."""
        self.done = given.get("initial", 0)
        """Units that updates have brought, as tqdm counts them."""
        self.end = end
        self.error: BaseException | None = None
        self.left = self.looping = False
        """Whether the bar's own loop runs, which alone counts then: `n` of the bar lags behind."""
        factor = given.get("unit_scale", False)
        self.scale = 1.0 if isinstance(factor, bool) or not factor else float(factor)
        self.bar = job.bar(initial=given.get("initial", 0) * self.scale, **self._texts(bar))

    def restart(self, bar: tqdm[Any]) -> None:
        """Count from 0 again, where code runs now."""
        if self.bar.open:
            self.done = 0
            self.bar.close()
            self.bar = self.job.bar(**self._texts(bar))

    def update(self, bar: tqdm[Any], count: float) -> None:
        """Note an update by `count`."""
        done = bar.n
        if self.blind:
            done = self.done = self.done + count
        self.bar.move(done if self.scale == 1.0 else done * self.scale)
        if self.job.stopped is not None and current.get() is self.job:
            self.job.raise_if_cancelled()

    def refresh(self, bar: tqdm[Any]) -> None:
        """Note what the bar displays, since code may set its attributes."""
        if not self.bar.open:
            return
        self.bar.describe(**self._texts(bar))
        if not self.looping and not self.blind:
            self.bar.move(bar.n * self.scale)

    def close(self, bar: tqdm[Any]) -> None:
        """End the count."""
        if self.bar.open:
            self.refresh(bar)
            self.bar.close()
            if self.end is not None and not self.looping:
                self.end(self.error, False)

    @contextmanager
    def raising(self, error: BaseException | None) -> Iterator[None]:
        """While the bar closes as its `with` block raises `error`. The loop over the bar may have been left before."""
        self.error = error
        try:
            yield
        finally:
            self.error = None
            if error is not None and self.end is not None:
                self.end(error, False)

    def over(self, rows: Iterator[Any]) -> Iterator[Any]:
        """Yield `rows` and count each."""
        self.looping = True
        try:
            for row in rows:
                if self.job.stopped is not None:
                    self.job.raise_if_cancelled()
                yield row
                self.bar.step(self.scale)
        except GeneratorExit:
            self.left = True
            raise
        except BaseException as error:
            self.error = error
            raise
        finally:
            if isinstance(rows, Generator):
                rows.close()  # which closes the bar, if it displays anything
            self.bar.close()
            self.looping, raised, self.error = False, self.error, None
            if self.end is not None:
                self.end(raised, self.left)

    def _texts(self, bar: tqdm[Any]) -> dict[str, Any]:
        total, given = bar.total, self.given  # a bar that tqdm does not count has no other attributes
        unit = str(getattr(bar, "unit", given.get("unit")) or "")
        description = str(getattr(bar, "desc", given.get("desc")) or "").strip().removesuffix(":")
        postfix = str(getattr(bar, "postfix", None) or "")
        return {
            "total": None if total is None else total * self.scale,
            "unit": "" if unit == _UNIT else unit.strip(),
            "message": ", ".join(filter(None, (description, postfix))) or None,
        }


_UNIT = "it"
"""tqdm's default, which says nothing."""


def capture(bar: tqdm[Any], job: Job, given: Mapping[str, Any], end: End | None = None) -> None:
    """Make `bar`, which has just been made with the arguments `given`, a count of `job`; `end` is called at its end."""
    bar.__dict__["headway"] = Count(job, bar, given, end)
    kind: Any = type(bar)
    bar.__class__ = _captured(kind)


@functools.lru_cache(100)
def _captured(kind: Any) -> Any:
    """The class of captured bars that were made with the class `kind`."""
    real_update = kind.update  # `super` would cost more, and updates are frequent

    class Captured(kind):  # type: ignore[misc]
        headway: Count

        def __iter__(self) -> Iterator[Any]:
            count, rows = self.headway, super().__iter__()
            return count.over(rows) if count.bar.open else rows

        def update(self, n: float | None = 1) -> Any:
            shown = real_update(self, n)
            if not self.headway.looping:
                self.headway.update(self, n or 0)
            return shown

        def refresh(self, *args: Any, **options: Any) -> Any:
            self.headway.refresh(self)
            return super().refresh(*args, **options)

        def reset(self, total: float | None = None) -> None:
            super().reset(total)
            self.headway.restart(self)

        def close(self) -> None:
            self.headway.close(self)
            super().close()

        def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
            with self.headway.raising(error):
                super().__exit__(kind, error, trace)

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(Captured, name, getattr(kind, name))
    return Captured
