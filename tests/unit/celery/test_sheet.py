"""The header of messages."""

import pytest

from headway.celery.sheet import Sheet


@pytest.mark.parametrize(
    "sheet", [Sheet(), Sheet("ann", "acme", "Import", "g"), Sheet(title="Import"), Sheet(owner="", parent="")]
)
def test_a_sheet_survives_the_message(sheet):
    assert Sheet.of(sheet.header()) == sheet


@pytest.mark.parametrize("header", [None, "ann", 7, [], {"owner": 7, 1: 2}])
def test_other_headers_say_nothing(header):
    assert Sheet.of(header) == Sheet()
