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


def test_handlers_that_did_not_stop_are_named_beside_those_that_run():
    console = Console(width=100)
    with console.capture() as capture:
        console.print(
            processors_table([{"id": "p1", "slots": 9, "running": 2, "abandoned": 1}, {"id": "p2", "slots": 9}], 5.0)
        )
    lines = [line.split(maxsplit=1) for line in capture.get().splitlines()[-2:]]
    assert [(name, load.strip()) for name, load in lines] == [("p1", "2 of 9, 1 not stopped"), ("p2", "0 of 9")]
