"""What a site asks of crawlers."""

import pytest

from headway_kinds.crawl.robots import MAX_DELAY_SECONDS, CrawlDelay, Robots


def test_without_rules_everything_is_allowed():
    assert Robots().allows("http://example.org/x")
    assert Robots().delay_seconds == 0


def test_rules_for_us_count_before_rules_for_all():
    robots = Robots("User-agent: *\nDisallow: /\n\nUser-agent: headway-crawl\nDisallow: /private\nAllow: /private/open")
    assert robots.allows("http://example.org/x")
    assert not robots.allows("http://example.org/private/x")
    assert robots.allows("http://example.org/private/open")


def test_wildcards_are_understood():
    robots = Robots("User-agent: *\nDisallow: /*.php$")
    assert not robots.allows("http://example.org/a/b.php")
    assert robots.allows("http://example.org/a/b.php?x")


@pytest.mark.parametrize(
    ("delay", "seconds"), [("2", 2), ("0.5", 0.5), ("3600", MAX_DELAY_SECONDS), ("-1", 0), ("nan", 0), ("soon", 0)]
)
def test_a_delay_is_honoured_within_reason(delay, seconds):
    assert Robots(f"User-agent: *\nCrawl-delay: {delay}").delay_seconds == seconds


@pytest.mark.parametrize("text", ["<html>not found</html>", "\0\1\2", "Disallow", "User-agent: *\nDisallow: /%zz"])
def test_nonsense_is_no_rule(text):
    assert Robots(text).allows("http://example.org/x")


def test_turns_are_a_delay_apart():
    pace = CrawlDelay(2.0)
    assert [pace.reserve(100.0), pace.reserve(100.0), pace.reserve(101.0), pace.reserve(200.0)] == [0, 2, 3, 0]


def test_without_a_delay_nobody_waits():
    pace = CrawlDelay(0.0)
    assert [pace.reserve(5.0), pace.reserve(5.0)] == [0, 0]
