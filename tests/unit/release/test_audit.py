"""The audit says what it knows, and fails when it knows nothing."""

import json

import httpx
import pytest

from release import audit
from release.dependencies import Dependency

pytestmark = pytest.mark.security
CLEAN, FAULTY = Dependency("PyPI", "clean", "1.0"), Dependency("npm", "faulty", "2.0")
ADVISORY = {
    "summary": "Runs what it is sent",
    "aliases": ["CVE-2026-1", "PYSEC-1"],
    "affected": [
        {"package": {"name": "Faulty"}, "ranges": [{"events": [{"introduced": "0"}, {"fixed": "2.1"}]}]},
        {"package": {"name": "other"}, "ranges": [{"events": [{"fixed": "9"}]}]},
    ],
}


def database(*known, advisory=ADVISORY):
    """A client of a database that has an advisory about each of `known`."""
    asked = []

    def answer(request):
        if request.url.path == "/v1/vulns/GHSA-1":
            return httpx.Response(200, json=advisory)
        queries = json.loads(request.content)["queries"]
        asked.append(len(queries))
        wanted = [
            Dependency(query["package"]["ecosystem"], query["package"]["name"], query["version"]) for query in queries
        ]
        results = [{"vulns": [{"id": "GHSA-1"}]} if one in known else {} for one in wanted]
        return httpx.Response(200, json={"results": results})

    client = httpx.Client(base_url="http://database", transport=httpx.MockTransport(answer))
    return client, asked


def answering(response):
    return httpx.Client(base_url="http://database", transport=httpx.MockTransport(lambda request: response))


def test_nothing_is_found_in_what_has_no_advisory():
    client, _ = database(*audit.CONTROLS)
    assert audit.audit(client, {CLEAN: ["a.lock"]}, []) == []


def test_an_advisory_is_described_with_what_fixes_it_and_where_the_version_is_locked():
    client, _ = database(FAULTY, *audit.CONTROLS)
    (line,) = audit.audit(client, {CLEAN: ["a.lock"], FAULTY: ["web/package-lock.json"]}, [])
    assert line == ("faulty 2.0 (web/package-lock.json): GHSA-1 CVE-2026-1: Runs what it is sent (fixed in 2.1)")


def test_an_advisory_without_a_summary_or_a_fix_is_described():
    client, _ = database(FAULTY, *audit.CONTROLS, advisory={"details": "First line\nSecond"})
    assert audit.audit(client, {FAULTY: ["l"]}, []) == ["faulty 2.0 (l): GHSA-1: First line (fixed in no version)"]


def test_an_advisory_can_be_ignored():
    client, _ = database(FAULTY, *audit.CONTROLS)
    assert audit.audit(client, {FAULTY: ["l"]}, ["GHSA-1"]) == []


@pytest.mark.parametrize("missing", audit.CONTROLS, ids=lambda control: control.ecosystem)
def test_a_database_that_does_not_know_an_ecosystem_is_no_data(missing):
    client, _ = database(*(control for control in audit.CONTROLS if control != missing))
    with pytest.raises(audit.NoDataError, match="no advisory is known for"):
        audit.audit(client, {CLEAN: ["l"]}, [])


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(503),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"results": [{}]}),
    ],
    ids=["error", "a page", "a list", "no results", "too few results"],
)
def test_an_answer_that_says_nothing_is_no_data(response):
    with pytest.raises(audit.NoDataError):
        audit.audit(answering(response), {CLEAN: ["l"]}, [])


def test_many_packages_are_asked_about_in_batches():
    client, asked = database(*audit.CONTROLS)
    many = {Dependency("PyPI", f"p{n}", "1"): ["l"] for n in range(audit.BATCH + 10)}
    assert audit.audit(client, many, []) == []
    assert asked == [audit.BATCH, 10 + len(audit.CONTROLS)]
