"""Progress in single lines: what is one, and what only looks so. `test_programs` has whole outputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.child.recognition import Seen, recognise


@pytest.mark.parametrize(
    ("line", "done", "total", "unit", "label"),
    [
        ("[ 42%] Building C object a.o", 42, 100, "%", "Building C object a.o"),
        ("[42%] Built target demo", 42, 100, "%", "Built target demo"),
        ("tests/test_a.py .......s..                 [ 33%]", 33, 100, "%", "tests/test_a.py .......s"),
        ("[42/100] CXX obj/main.o", 42, 100, "", "CXX obj/main.o"),
        ("[ 42/100] Compiling", 42, 100, "", "Compiling"),
        ("(3/17): bash-5.2.rpm", 3, 17, "", "bash-5.2.rpm"),
        ("[1,234 / 5,678] Compiling src/main.cc", 1234, 5678, "", "Compiling src/main.cc"),
        ("#8 [2/5] RUN apt-get update", 2, 5, "", "RUN apt-get update"),
        ("Step 3/10 : RUN make", 3, 10, "", "Step"),
        ("Epoch 3/10", 3, 10, "", "Epoch"),
        ("Processing 12/345", 12, 345, "", "Processing"),
        ("rows:  42%|████▏     | 420/1000 [00:10<00:14, 41.9it/s]", 420, 1000, "it", "rows"),
        (" 98%|█████████▊| 1.95M/2.00M [00:01<00:00, 1.32MB/s]", 1.95e6, 2e6, "B", ""),
        ("420/1000 [=====>....] - ETA: 3s - loss: 0.12", 420, 1000, "", ""),
        ("Receiving objects:  42% (420/1000), 1.2 MiB | 3 MiB/s", 420, 1000, "", "Receiving objects"),
        ("Downloading [==>      ]  12.3MB/45.6MB", 12.3e6, 45.6e6, "B", "Downloading"),
        ("   ━━━━━━━━━━━━━━━━ 10.5/20.3 MB 5.2 MB/s eta 0:00:02", 10.5e6, 20.3e6, "B", ""),
        ("Working ━━━━━━━╸━━━━━━━  47% 0:00:01", 47, 100, "%", "Working"),
        ("file.bin   42%[=====>      ]  4.20M  1.2MB/s", 42, 100, "%", "file.bin"),
        ("<=====--------> 42% EXECUTING [10s]", 42, 100, "%", ""),
        ("[#####     ] 50%", 50, 100, "%", ""),
        ("  3072K ........ ........ ........  5% 1.62G 0s", 5, 100, "%", ""),
        ("Reading package lists... 42%", 42, 100, "%", "Reading package lists"),
        ("(Reading database ... 45%", 45, 100, "%", "Reading database"),
        ("[download]  42.1% of   10.00MiB at  1.20MiB/s ETA 00:05", 42.1, 100, "%", "download"),
        ("Progress: 42%", 42, 100, "%", "Progress"),
        ("Total progress: 42.5 %", 42.5, 100, "%", "Total progress"),
        ("42%", 42, 100, "%", ""),
        ("42% done", 42, 100, "%", ""),
        ("100%", 100, 100, "%", ""),
        ("38it [00:00, 200.85it/s]", 38, None, "it", ""),
        ("rows: 1.5krows [01:00, 25rows/s]", 1500, None, "rows", "rows"),
    ],
)
def test_a_line_with_a_sign_of_progress_shows_a_bar(
    line: str, done: float, total: float | None, unit: str, label: str
) -> None:
    seen = recognise(line)
    assert seen is not None
    assert (seen.done, seen.total, seen.unit) == (pytest.approx(done), total, unit)
    assert seen.label == label


@pytest.mark.parametrize(
    ("line", "done", "total", "unit"),
    [
        ("  60,000,000  66%   37.53MB/s    0:00:01", 66, 100, "%"),
        ("  60,000,000 100%   37.53MB/s    0:00:01 (xfr#1, to-chk=0/1)", 100, 100, "%"),
        ("####            11.4%", 11.4, 100, "%"),
        (" 50 57.2M   50 28.7M    0     0  12.0M      0  0:00:04  0:00:02  0:00:02 12.0M", 50, 100, "%"),
        ("5129633792 bytes (5.1 GB, 4.8 GiB) copied, 1 s, 5.1 GB/s", 5129633792, None, "B"),
        ("uploading 12/345", 12, 345, ""),
        ("copied 12%, 3 errors", 12, 100, "%"),
    ],
)
def test_in_a_redrawn_line_a_number_is_sufficient(line: str, done: float, total: float | None, unit: str) -> None:
    assert recognise(line) is None
    seen = recognise(line, redrawn=True)
    assert seen is not None
    assert (seen.done, seen.total, seen.unit) == (done, total, unit)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no number",
        "Built on 26/11/2026 at 10:00",
        "26/11/2026",
        "11/26 10:00:01 started",
        "[26/Nov/2026:10:00:00 +0100] GET /",
        "2026-11-27 09:29:37 (31.7 MB/s) - saved",
        "/usr/lib/x86_64/1/2/libfoo.so",
        "a/12/34.txt",
        "HTTP/1.1 200 OK",
        "10.0.0.0/24 via 10.0.0.1",
        "add 1/2 cup of sugar and 3/4 of the flour",
        "open 24/7",
        "load average 1/2",
        "7/3 is more than two",
        "[7/3] backwards",
        "[3/0] of nothing",
        "/dev/vda  252G   16G   76G  17% /",
        "Filesystem Size Used Avail Use% Mounted on",
        "disk usage is at 91% on /",
        "CPU usage: 42%",
        "TOTAL      1200    156    87%",
        "src/foo.py  100     13    87%   12-14, 20",
        "50% faster than before",
        "saved 12% of 300 files",
        "CPU(s) scaling MHz: 42%",
        "150%",
        "version 3.11/3.12",
        "tests: 12/12 passed, see report",
        "pid 1234/tcp",
        "abc42%",
        "%42",
        "eta 3/4/5",
        "wget saved [60000000/60000000]",
        "fix [1/2] of the series",
        "-1/3",
    ],
)
def test_a_number_alone_is_no_progress(line: str) -> None:
    assert recognise(line) is None


@pytest.mark.parametrize("line", ["on 26/11/2026 at noon", "11/26 10:00:01", "/a/1/2", "150%", "7/3", "1/2/3"])
def test_dates_and_paths_are_no_progress_in_a_redrawn_line_either(line: str) -> None:
    assert recognise(line, redrawn=True) is None


def test_bars_with_one_label_are_one_bar() -> None:
    def bar(line: str) -> str:
        seen = recognise(line, redrawn=True)
        assert isinstance(seen, Seen)
        return seen.bar

    assert bar("a.bin: 10% (1/10)") == bar("a.bin: 20% (2/10)")
    assert bar("a.bin: 10% (1/10)") != bar("b.bin: 10% (1/10)")
    assert bar("[1/3] one") == bar("[2/3] two")
    assert bar("  3072K ....  5%") == bar("  6144K .... 10%")


@given(st.text(max_size=200), st.booleans())
def test_no_text_raises_and_no_share_is_outside_of_the_bar(text: str, redrawn: bool) -> None:
    seen = recognise(text, redrawn=redrawn)
    assert seen is None or 0 <= seen.share <= 1


@pytest.mark.parametrize(
    "line", ["1" * 900, "[" * 900 + "1%", "#" * 900 + "1", "1/" * 450, "━" * 900 + " 1/2 ", "1,1" * 300]
)
def test_long_lines_take_no_long_time(line: str) -> None:
    """Each would take minutes if a pattern backtracked over its length squared; the run's time limit notices."""
    for _ in range(50):
        recognise(line, redrawn=True)
