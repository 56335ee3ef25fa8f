"""What handlers print, as log lines of their tasks."""

import sys
import threading
from contextvars import copy_context

from headway.events import LogLine
from headway_processor.attempts.print_capture import captured_print


def lines(bench):
    return [(e.level, e.logger, e.message) for e in bench.events if isinstance(e, LogLine)]


async def test_print_becomes_lines_for_a_kind_that_asks_for_it(bench, capsys):
    def handler(job):
        print("one", 2)
        print("three\nfour")
        print()
        sys.stdout.writelines(["five", " six\n"])
        print("10 %\r20 %\r")
        print("unfinished", end="")

    with captured_print():
        await bench.run(handler, capture_print=True)
    assert lines(bench) == [
        ("info", "stdout", text) for text in ("one 2", "three", "four", "five six", "20 %", "unfinished")
    ]
    assert capsys.readouterr().out.startswith("one 2\nthree\nfour\n\nfive six\n")


async def test_print_of_other_kinds_is_only_printed(bench, capsys):
    with captured_print():
        await bench.run(lambda job: print("only here"))
    assert lines(bench) == []
    assert capsys.readouterr().out == "only here\n"


async def test_nothing_is_replaced_when_no_kind_asks_for_it():
    before = sys.stdout
    with captured_print(wanted=False):
        assert sys.stdout is before


async def test_stdout_is_itself_otherwise(capsys):
    with captured_print():
        assert sys.stdout.encoding
        assert sys.stdout.isatty() is False
        print("x", flush=True)
    assert capsys.readouterr().out == "x\n"


async def test_threads_of_a_handler_do_not_mix_within_a_line(bench):
    def handler(job):
        def say(word):
            for _ in range(50):
                print(word, word, word)

        threads = [threading.Thread(target=copy_context().run, args=(say, word)) for word in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with captured_print():
        await bench.run(handler, capture_print=True)
    assert {message for *_, message in lines(bench)} == {"a a a", "b b b"}


async def test_line_without_an_end_is_bounded(bench):
    def handler(job):
        for _ in range(100):
            print("x" * 1000, end="")

    with captured_print():
        await bench.run(handler, capture_print=True)
    assert max(len(message) for *_, message in lines(bench)) <= 4000
