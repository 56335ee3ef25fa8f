"""How far a task is reported over HTTP, in the headers of its events."""

import pytest

from headway.producer import PRODUCER_HEADER, Producer


@pytest.mark.parametrize("producer", [Producer(), Producer(10**12, 10**9, 86_400, 1763690000.123, True, "0" * 16)])
def test_headers_are_read_as_they_were_written(producer):
    assert Producer.of_headers(producer.headers) == producer


@pytest.mark.parametrize("value", ["", "sequence=1", f"{Producer().headers[PRODUCER_HEADER]} more", "sequence=١"])
def test_other_headers_name_no_producer(value):
    assert Producer.of_headers({PRODUCER_HEADER: value}) is None
