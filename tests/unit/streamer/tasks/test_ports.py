"""What implements the ports: the classes for JetStream and the doubles in memory have the same methods."""

import inspect

import pytest

from headway.jetstream.job_queue import JetStreamJobQueue
from headway.jetstream.kv import Bucket
from headway.jetstream.results import ResultStore
from headway.jetstream.store_meter import JetStreamStoreMeter
from headway.testing import MemoryBucket, MemoryJobQueue, MemoryResults
from headway_streamer.tasks import ports
from tests.unit.streamer.conftest import Meter


@pytest.mark.parametrize(
    ("port", "implementation"),
    [
        (ports.KeyValues, Bucket),
        (ports.KeyValues, MemoryBucket),
        (ports.JobQueue, JetStreamJobQueue),
        (ports.JobQueue, MemoryJobQueue),
        (ports.Results, ResultStore),
        (ports.Results, MemoryResults),
        (ports.StoreMeter, JetStreamStoreMeter),
        (ports.StoreMeter, Meter),
    ],
)
def test_an_implementation_has_the_methods_of_its_port(port, implementation):
    for name, method in inspect.getmembers(port, inspect.isfunction):
        if not name.startswith("_"):
            expected = list(inspect.signature(method).parameters)
            assert list(inspect.signature(getattr(implementation, name)).parameters) == expected
