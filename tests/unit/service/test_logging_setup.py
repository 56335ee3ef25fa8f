"""Log records as lines of JSON."""

import json
import logging

import pytest

from headway.errors import SettingsError
from headway.service.logging_setup import JsonFormatter, setup


def line(record):
    text = JsonFormatter().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_record_is_one_line_with_its_extra_fields():
    record = logging.makeLogRecord(
        {"name": "headway.x", "levelname": "INFO", "msg": "a\nb", "created": 0.5, "action": "go", "task": "t1"}
    )
    assert line(record) == {
        "time": "1970-01-01T00:00:00.500+00:00",
        "level": "info",
        "logger": "headway.x",
        "message": "a\nb",
        "action": "go",
        "task": "t1",
    }


def test_exception_is_in_the_line():
    try:
        raise ValueError("boom")
    except ValueError as error:
        record = logging.makeLogRecord({"exc_info": (ValueError, error, error.__traceback__)})
    assert "ValueError: boom" in line(record)["exception"]


def test_value_without_a_json_form_is_logged_as_text():
    assert line(logging.makeLogRecord({"cause": {"x": ValueError("boom")}}))["cause"] == {"x": "boom"}


def test_unknown_level_is_refused():
    with pytest.raises(SettingsError, match="loud"):
        setup("loud")


def test_records_and_warnings_go_to_stderr(capsys):
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        setup("warning")
        logging.getLogger("headway.x").warning("hello", extra={"action": "greet"}, stack_info=True)
        logging.getLogger("headway.x").info("not shown")
    finally:
        logging.captureWarnings(False)
        logging.basicConfig(level=level, handlers=handlers, force=True)
    (shown,) = capsys.readouterr().err.splitlines()
    assert json.loads(shown)["action"] == "greet"
    assert "stack" in json.loads(shown)


@pytest.mark.security
def test_secrets_are_hidden_in_every_part_of_a_line():
    secret = "a#b 'c\"d"
    try:
        raise ValueError(f"cannot connect to nats://u:{secret}@h")
    except ValueError as error:
        record = logging.makeLogRecord(
            {
                "msg": "tried %s",
                "args": (f"http://u:p@h/?token=x and {secret}",),
                "exc_info": (ValueError, error, error.__traceback__),
                "stack_info": f"stack {secret}",
                "given": {"url": [f"nats://u:{secret}@h", 5], "error": error},
            }
        )
    text = JsonFormatter([secret]).format(record)
    assert json.loads(text)["message"] == "tried http://***@h/?token=*** and ***"
    assert "a#b" not in text
    assert 'c\\"d' not in text
    assert json.loads(text)["given"]["url"] == ["nats://***@h", 5]
