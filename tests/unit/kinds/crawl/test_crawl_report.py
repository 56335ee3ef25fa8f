"""The report of a crawl stays small, whatever was crawled."""

import msgspec

from headway_kinds.crawl import crawl_report
from headway_kinds.crawl.crawl_report import MAX_BROKEN, MAX_KEPT_WORDS, Findings, PageText, VisitedPage
from headway_kinds.crawl.page import Page


def visited(url, title="Title", size_bytes=100, seconds=0.1, depth=0):
    return VisitedPage(url=url, title=title, size_bytes=size_bytes, seconds=seconds, depth=depth)


def page(**counts):
    return Page("", sum(counts.values()), counts, [])


def test_an_empty_crawl_has_a_report():
    report = Findings().report("http://a/", 0, 0.0)
    assert (report.pages, report.pages_per_second, report.median_page_bytes) == (0, 0.0, 0)


def test_the_largest_report_is_below_100_kb():
    findings = Findings()
    wide = "\U0001f600" * 200
    for number in range(2000):
        url = f"http://example.org/{number}/" + "x" * 2000
        findings.add_page(visited(url, f"{number % 500} {wide}"), page(**{f"w{number}{'é' * 35}": 1}))
        findings.inbound[url] = 3
        findings.add_broken(f"{url}?broken", url, "no connection (" + "y" * 200)
        findings.add_host(f"{number}.{'z' * 240}.example.org")
    report = findings.report("http://example.org/" + "x" * 2000, 4000, 60.0)
    assert len(report.broken) == MAX_BROKEN
    assert (report.broken_count, report.duplicate_titles_count) == (2000, 500)
    assert len(msgspec.json.encode(report)) < 100_000


def test_texts_are_in_the_report_when_they_are_asked_for_and_as_many_as_fit(monkeypatch):
    monkeypatch.setattr(crawl_report, "MAX_KEPT_CHARS", 10)
    findings = Findings()
    for name, text in (("a", "red door"), ("b", "green roof"), ("c", "")):
        findings.add_page(visited(f"http://x/{name}", title=name), Page("", 2, {}, [], text), keep_text=True)
    assert findings.report("http://x/", 3, 1.0, texts=True).texts == [PageText("http://x/a", "a", "red door")]
    assert b'"texts"' not in msgspec.json.encode(findings.report("http://x/", 3, 1.0))
    findings.add_page(visited("http://x/d"), Page("", 2, {}, [], "se"))
    assert findings.text_chars == 8


def test_lists_are_ranked_and_equal_entries_are_in_order():
    findings = Findings()
    for name, size in (("b", 5), ("a", 5), ("c", 9)):
        findings.add_page(visited(f"http://x/{name}", size_bytes=size, seconds=1 / size), page())
    report = findings.report("http://x/", 3, 1.0)
    assert [entry.url[-1] for entry in report.largest] == ["c", "a", "b"]
    assert [entry.url[-1] for entry in report.slowest] == ["a", "b", "c"]


def test_pages_without_a_title_are_counted_and_not_duplicates():
    findings = Findings()
    for name in "ab":
        findings.add_page(visited(f"http://x/{name}", title=""), page())
    report = findings.report("http://x/", 2, 1.0)
    assert (report.untitled, report.duplicate_titles_count) == (2, 0)


def test_frequent_words_survive_a_flood_of_rare_ones():
    findings = Findings()
    for number in range(30):
        rare = {f"rare{number}x{index}": 1 for index in range(MAX_KEPT_WORDS // 10)}
        findings.add_page(visited(f"http://x/{number}"), page(station=5, **rare))
    top = findings.report("http://x/", 30, 1.0).top_words
    assert (top[0].word, top[0].count) == ("station", 150)


def test_the_broken_link_that_most_pages_link_to_comes_first():
    findings = Findings()
    for name in "abc":
        findings.add_broken(f"http://x/{name}", "http://x/", "404 Not Found")
    findings.inbound["http://x/b"] = 7
    report = findings.report("http://x/", 3, 1.0)
    assert [(link.url[-1], link.links) for link in report.broken] == [("b", 7), ("a", 1), ("c", 1)]


def test_two_circles_of_redirects_are_two_broken_links():
    findings = Findings()
    findings.redirects = {"a": "b", "b": "a", "c": "d", "d": "e", "e": "d", "f": "g"}
    findings.add_loops({})
    assert findings.broken_count == 2
