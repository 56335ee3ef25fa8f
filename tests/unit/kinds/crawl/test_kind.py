"""The kind `crawl`: its parameters, and its handler with the settings of the environment."""

import msgspec
import pytest

from headway import TaskError
from headway.kind import REGISTRY
from headway.testing import MemoryLog, start_job
from headway_kinds.crawl.kind import CrawlParams, register


async def test_the_handler_reaches_only_what_the_settings_allow(monkeypatch):
    monkeypatch.setattr(REGISTRY, "_kinds", {})
    register({"HEADWAY_PROCESSOR_CRAWL_ALLOW": "other.test"})
    job = start_job(MemoryLog())
    with pytest.raises(TaskError, match=r"127\.0\.0\.1:80 to HEADWAY_PROCESSOR_CRAWL_ALLOW"):
        await REGISTRY.get("crawl").handler(job, CrawlParams(url="http://127.0.0.1/"))
    await job.abort()


def test_the_kind_describes_itself_and_its_parameters():
    register({})
    record = REGISTRY.get("crawl").record()
    assert record.description.startswith("Crawl a web site")
    assert record.params["required"] == ["url"]
    assert record.params["properties"]["max_pages"]["default"] == 300
    assert record.params["additionalProperties"] is False


@pytest.mark.parametrize(
    "params", [{}, {"url": "ftp://x"}, {"url": "http://x", "max_pages": 0}, {"url": "http://x", "deep": 1}]
)
def test_parameters_that_do_not_fit_are_refused(params):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(params, CrawlParams)
