"""Where an exception was raised, without what must not be read."""

import re
import sys

import pytest

from headway import backtrace as module
from headway.backtrace import backtrace


def fail(password):
    raise ValueError(f"cannot log in as {password}")


def caught(function, *arguments):
    try:
        function(*arguments)
    except BaseException as error:  # noqa: BLE001
        return error
    raise AssertionError


def test_files_lines_and_functions_are_shown_as_python_prints_them():
    text = backtrace(caught(fail, "hunter2"))
    assert re.fullmatch(
        r"Traceback \(most recent call last\):\n"
        r'  File "tests/unit/test_backtrace\.py", line \d+, in caught\n'
        r'  File "tests/unit/test_backtrace\.py", line \d+, in fail\n'
        r"ValueError",
        text,
    )


def test_values_messages_and_source_lines_are_not_shown():
    text = backtrace(caught(fail, "hunter2"))
    assert "hunter2" not in text
    assert "password" not in text
    assert "cannot log in" not in text


def test_directories_of_the_machine_are_not_shown(monkeypatch, tmp_path):
    code = compile("def f():\n    1 / 0\n", str(tmp_path / "app" / "jobs" / "pictures.py"), "exec")
    space = {}
    exec(code, space)
    module._short.cache_clear()
    assert str(tmp_path) not in backtrace(caught(space["f"]))
    assert 'File "pictures.py"' in backtrace(caught(space["f"]))
    monkeypatch.setattr(sys, "path", [str(tmp_path / "app"), *sys.path])
    module._short.cache_clear()
    assert 'File "jobs/pictures.py"' in backtrace(caught(space["f"]))


def test_endless_recursion_is_bounded():
    def again():
        again()

    text = backtrace(caught(again))
    assert re.search(r"  … \d{3,} frames left out\n", text)
    assert len(text.splitlines()) < 40


def test_what_led_to_the_error_stands_before_it():
    def wrap():
        try:
            fail("x")
        except ValueError as error:
            raise KeyError("y") from error

    lines = backtrace(caught(wrap)).split("\n\n")
    assert lines[0].endswith("ValueError")
    assert lines[1] == "The above exception was the direct cause of the following exception:"
    assert lines[2].endswith("KeyError")


def test_what_was_suppressed_is_not_shown():
    def wrap():
        try:
            fail("x")
        except ValueError:
            raise KeyError("y") from None

    assert "ValueError" not in backtrace(caught(wrap))


def test_leaves_of_a_group_are_shown():
    def wrap():
        raise ExceptionGroup("many", [caught(fail, n) for n in range(100)])

    text = backtrace(caught(wrap))
    assert "ExceptionGroup" in text
    assert 1 < text.count("ValueError") < 10
    assert text.endswith("… more errors in the group")


def test_circle_of_causes_ends():
    one, other = caught(fail, 1), caught(fail, 2)
    one.__cause__, other.__cause__ = other, one
    assert backtrace(one).count("ValueError") == 2


def test_length_is_bounded():
    def wrap(depth):
        try:
            fail("x") if depth == 0 else wrap(depth - 1)
        except Exception as error:
            raise RuntimeError from error

    assert len(backtrace(caught(wrap, 200))) <= module.MAX_CHARS


def test_exception_that_was_never_raised_has_its_class_alone():
    assert backtrace(KeyError("k")) == "KeyError"


def test_odd_names_keep_one_line_each():
    code = compile("def f():\n    1 / 0\n", "a\nb\x1b[2J.py", "exec")
    space = {}
    exec(code, space)
    with pytest.raises(ZeroDivisionError) as raised:
        space["f"]()
    assert len(backtrace(raised.value).splitlines()) == 4
    assert "\x1b" not in backtrace(raised.value)
