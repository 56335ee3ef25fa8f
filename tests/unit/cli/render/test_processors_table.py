"""A table of processors, whatever they say."""

from rich.console import Console

from headway.cli.render.processors_table import processors_table


def test_what_a_processor_leaves_out_is_left_empty():
    console = Console(width=100)
    with console.capture() as capture:
        console.print(
            processors_table([{"id": "p1"}, {"id": "p2", "since": "x", "kinds": None, "name": "a\x1b[31mb"}], 5.0)
        )
    lines = capture.get().splitlines()
    assert [line.split() for line in lines[-2:]] == [["p1"], ["a[31mb"]]
