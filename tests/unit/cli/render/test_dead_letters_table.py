"""A table of dead letters, whatever they say."""

from rich.console import Console

from headway.cli.render.dead_letters_table import dead_letters_table


def test_a_letter_is_shown_with_its_age_and_why_it_cannot_be_resubmitted():
    letters = [
        {"id": "4", "kind": "k", "task": "t1", "at": 10.0, "reason": "Lost: given\nup", "problem": ""},
        {"id": "5", "kind": "k", "task": "", "at": 0, "reason": "a\x1b[31mb", "problem": "not a job"},
    ]
    console = Console(width=120)
    with console.capture() as capture:
        console.print(dead_letters_table(letters, 100.0))
    first, second = capture.get().splitlines()[-2:]
    assert first.split() == ["4", "k", "t1", "1", "min", "30", "s", "Lost:", "given", "up"]
    assert second.split()[:3] == ["5", "k", "none"]
    assert "(cannot be resubmitted: not a job)" in second
    assert "\x1b" not in second
