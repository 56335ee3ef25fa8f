"""Which URLs a crawl asks for, and what it reports."""

import asyncio
import itertools

import httpx
import pytest

from headway import TaskError
from headway_kinds.crawl.crawler import WORKERS
from headway_kinds.crawl.kind import USER_AGENT
from headway_kinds.crawl.page import MAX_PAGE_BYTES
from headway_kinds.http.fetch import UnreachableError
from headway_kinds.http.guard import GuardedTransport
from tests.fixtures.hostile_site import Raw, bomb
from tests.unit.kinds.crawl.site import HTML, START, Web, crawled, page, redirect


async def test_every_page_of_the_site_is_read_once():
    crawl = await crawled({"/": page("/a", "/b", "/a#x"), "/a": page("/", "/b"), "/b": page("/a", "/c"), "/c": page()})
    assert sorted(crawl.web.pages_asked) == [START, START + "a", START + "b", START + "c"]
    assert (crawl.report.pages, crawl.report.requests, crawl.report.complete) == (4, 4, True)
    assert crawl.report.depths == {"0": 1, "1": 2, "2": 1}


async def test_the_report_tells_what_the_pages_are_like():
    crawl = await crawled(
        {
            "/": page("/a", "/b", title="Home", text="railway " * 3),
            "/a": page("/b", title="Same", text="railway timetable"),
            "/b": page("/b", title="Same", text="x" * 2000),
        }
    )
    report = crawl.report
    assert report.statuses == {"200": 3}
    assert report.bytes == sum(len(text.encode()) for text in crawl.web.pages.values())
    assert (report.largest[0].url, report.largest[0].title) == (START + "b", "Same")
    assert (report.most_linked[0].url, report.most_linked[0].value) == (START + "b", 2)
    assert (report.top_words[0].word, report.top_words[0].count) == ("railway", 4)
    assert [(group.title, group.count) for group in report.duplicate_titles] == [("Same", 2)]
    assert {entry.url for entry in report.slowest} == set(crawl.web.pages)


async def test_other_hosts_and_ports_are_counted_and_not_asked():
    links = ("http://other.test/", "http://site.test:8080/", "https://other.test/x", "http://sub.site.test/")
    crawl = await crawled({"/": page(*links)})
    assert crawl.web.pages_asked == [START]
    assert crawl.report.external_hosts == 3
    assert (crawl.report.most_linked_hosts[0].word, crawl.report.most_linked_hosts[0].count) == ("other.test", 2)


async def test_robots_txt_is_asked_first_and_obeyed():
    crawl = await crawled(
        {
            "/robots.txt": httpx.Response(200, text="User-agent: *\nDisallow: /private"),
            "/": page("/private/a", "/private/b", "/private/a", "/open"),
            "/open": page("/private/a"),
        }
    )
    assert crawl.web.asked[0] == START + "robots.txt"
    assert crawl.web.pages_asked == [START, START + "open"]
    assert (crawl.report.skipped_by_robots, crawl.report.complete) == (2, True)


async def test_we_say_who_we_are():
    agents = set()

    async def answer(request):
        agents.add(request.headers["User-Agent"])
        return httpx.Response(200, headers=HTML, text=page())

    await crawled({"/": answer, "/robots.txt": answer})
    assert agents == {USER_AGENT}
    assert USER_AGENT.startswith("Headway-crawl/")


@pytest.mark.looptime
async def test_the_pause_that_a_site_asks_for_is_kept():
    clock = asyncio.get_running_loop().time
    asked_at = []

    async def answer(request):
        asked_at.append(clock())
        return httpx.Response(200, headers=HTML, text=page())

    links = [f"/{number}" for number in range(4)]
    await crawled(
        {"/robots.txt": httpx.Response(200, text="User-agent: *\nCrawl-delay: 2"), "/": page(*links)}
        | dict.fromkeys(links, answer),
        clock=clock,
    )
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked_at)]
    assert pauses == pytest.approx([2, 2, 2], abs=0.1)


async def test_broken_links_are_reported_with_the_page_that_links_there():
    crawl = await crawled(
        {
            "/": page("/a", "/gone"),
            "/a": page("/gone", "/slow", "/dead", "/error"),
            "/slow": httpx.ReadTimeout("x"),
            "/dead": httpx.ConnectError("refused"),
            "/error": httpx.Response(500),
        }
    )
    broken = {link.url.removeprefix(START): (link.found_on, link.reason, link.links) for link in crawl.report.broken}
    assert broken == {
        "gone": (START, "404 Not Found", 2),
        "slow": (START + "a", "timed out", 1),
        "dead": (START + "a", "no connection (refused)", 1),
        "error": (START + "a", "500 Internal Server Error", 1),
    }
    assert crawl.report.broken_count == 4
    assert crawl.report.broken[0].url == START + "gone"
    assert crawl.report.statuses == {"200": 2, "404": 1, "500": 1, "none": 2}
    assert "/gone: 404 Not Found (linked from /)" in crawl.lines


async def test_a_redirect_within_the_site_is_followed():
    crawl = await crawled({"/": page("/old"), "/old": redirect("/new", 301), "/new": page()})
    assert crawl.web.pages_asked == [START, START + "old", START + "new"]
    assert (crawl.report.redirects, crawl.report.pages, crawl.report.broken_count) == (1, 2, 0)
    assert crawl.report.depths == {"0": 1, "1": 1}


async def test_a_redirect_to_a_known_page_is_not_asked_again():
    crawl = await crawled({"/": page("/old", "/new"), "/old": redirect("/new"), "/new": page()})
    assert sorted(crawl.web.pages_asked) == [START, START + "new", START + "old"]


async def test_a_redirect_off_the_site_is_counted_and_not_followed():
    crawl = await crawled({"/": page("/away"), "/away": redirect("http://127.0.0.1/secret")})
    assert crawl.web.pages_asked == [START, START + "away"]
    assert (crawl.report.redirects_off_site, crawl.report.broken_count) == (1, 0)


async def test_a_redirect_to_what_robots_txt_forbids_is_not_followed():
    crawl = await crawled(
        {
            "/robots.txt": httpx.Response(200, text="User-agent: *\nDisallow: /private"),
            "/": page("/x"),
            "/x": redirect("/private"),
        }
    )
    assert crawl.web.pages_asked == [START, START + "x"]
    assert crawl.report.skipped_by_robots == 1


@pytest.mark.parametrize("links", [("/1",), ("/1", "/2"), ("/2", "/1", "/0")])
async def test_redirects_in_a_circle_are_broken_once(links):
    crawl = await crawled(
        {"/": page(*links), "/0": redirect("/1"), "/1": redirect("/2"), "/2": redirect("/1")},
    )
    assert [link.reason for link in crawl.report.broken] == ["redirects in a circle"]
    assert crawl.report.broken[0].found_on == START


async def test_a_redirect_to_itself_is_broken():
    crawl = await crawled({"/": page("/x"), "/x": redirect("/x")})
    assert [link.reason for link in crawl.report.broken] == ["redirects in a circle"]


async def test_a_chain_of_redirects_has_an_end():
    chain = {f"/{number}": redirect(f"/{number + 1}") for number in range(1000)}
    crawl = await crawled({"/": page("/0"), **chain})
    assert len(crawl.web.pages_asked) == 7
    assert [link.reason for link in crawl.report.broken] == ["more than 5 redirects"]


async def test_a_redirect_to_nowhere_is_broken():
    crawl = await crawled({"/": page("/x"), "/x": redirect("mailto:a@b.c")})
    assert [link.reason for link in crawl.report.broken] == ["redirects to an invalid address"]


async def test_the_start_may_redirect_to_another_host_and_that_is_crawled():
    crawl = await crawled(
        {
            "/": redirect("https://www.site.test/"),
            "https://www.site.test/robots.txt": httpx.Response(200, text="User-agent: *\nDisallow: /private"),
            "https://www.site.test/": page("/a", "/private", START),
            "https://www.site.test/a": page(),
        }
    )
    assert crawl.report.start == "https://www.site.test/"
    assert (crawl.report.pages, crawl.report.skipped_by_robots, crawl.report.external_hosts) == (2, 1, 1)


async def test_no_more_than_max_pages_are_asked_for():
    def endless(request):
        number = int(request.url.path[1:] or 0)
        links = [f"/{10 * number + digit}" for digit in range(1, 10)]
        return httpx.Response(200, headers=HTML, text=page(*links))

    async def answer(request):
        return httpx.Response(404) if request.url.path == "/robots.txt" else endless(request)

    crawl = await crawled({}, transport=httpx.MockTransport(answer), max_pages=25)
    assert (crawl.report.requests, crawl.report.pages, crawl.report.complete) == (25, 25, False)


async def test_max_pages_of_one_reads_the_start_alone():
    crawl = await crawled({"/": page("/a")}, max_pages=1)
    assert (crawl.web.pages_asked, crawl.report.complete) == ([START], False)


async def test_links_are_followed_up_to_max_depth():
    crawl = await crawled({"/": page("/1"), "/1": page("/2"), "/2": page("/3"), "/3": page()}, max_depth=2)
    assert crawl.report.depths == {"0": 1, "1": 1, "2": 1}
    assert not crawl.report.complete


async def test_files_that_are_no_pages_are_asked_for_and_not_read():
    pdf = httpx.Response(200, headers={"Content-Type": "application/pdf", "Content-Length": "12345"}, content=b"")
    crawl = await crawled({"/": page("/x.pdf"), "/x.pdf": pdf})
    assert (crawl.report.pages, crawl.report.requests, crawl.report.statuses) == (1, 2, {"200": 2})


async def test_a_page_too_large_for_the_event_loop_is_read_just_the_same():
    crawl = await crawled({"/": page("/a", text="word " * 20_000), "/a": page()})
    assert (crawl.report.pages, crawl.report.words) == (2, 20_001)


async def test_a_page_over_the_limit_is_read_up_to_it():
    crawl = await crawled({"/": page("/a", text="x" * MAX_PAGE_BYTES), "/a": page()})
    assert (crawl.report.pages, crawl.report.cut, crawl.report.bytes) == (1, 1, MAX_PAGE_BYTES)


async def test_the_total_grows_while_pages_are_found():
    crawl = await crawled({"/": page("/a"), "/a": page("/b"), "/b": page("/c", "/d"), "/c": page(), "/d": page()})
    assert [(update["done"], update["total"]) for update in crawl.updates] == [(1, 2), (2, 3), (3, 5), (4, 5), (5, 5)]
    assert [update["message"] for update in crawl.updates[:3]] == ["/", "/a", "/b"]


async def test_fetching_ends_at_90_percent_and_analysing_follows():
    crawl = await crawled({"/": page("/a"), "/a": page()})
    fetched, analysing = crawl.progress[-3], crawl.progress[-2]
    assert (fetched.step, fetched.progress, fetched.done, fetched.unit) == ("Fetching", 90, 2, "pages")
    assert (analysing.step, crawl.progress[-1].status) == ("Analysing", "completed")


async def test_no_more_than_eight_requests_are_under_way():
    under_way, most = 0, 0

    async def answer(request):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        return httpx.Response(200, headers=HTML, text=page())

    links = [f"/{number}" for number in range(40)]
    await crawled({"/": page(*links)} | dict.fromkeys(links, answer))
    assert most == WORKERS


async def test_a_cancelled_crawl_leaves_no_request_behind():
    waiting, ended = asyncio.Event(), asyncio.Event()

    async def answer(request):
        waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    crawling = asyncio.create_task(crawled({"/": page("/a"), "/a": answer}))
    await waiting.wait()
    crawling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await crawling
    assert ended.is_set()


def guarded(web, addresses):
    async def resolve(host, port):
        return [addresses[host].pop(0) if len(addresses[host]) > 1 else addresses[host][0]]

    ticking = iter(range(0, 10**6, 1000))
    return GuardedTransport(
        resolve=resolve, connect=lambda: httpx.MockTransport(web.answer), clock=lambda: next(ticking)
    )


async def test_a_start_inside_is_refused_and_the_setting_named():
    web = Web({})
    with pytest.raises(TaskError, match="HEADWAY_PROCESSOR_CRAWL_ALLOW") as raised:
        await crawled({}, transport=guarded(web, {"site.test": ["10.0.0.1"]}))
    assert (raised.value.type, raised.value.retryable) == ("ForbiddenAddress", False)
    assert web.asked == []


@pytest.mark.security
async def test_a_start_that_redirects_inside_is_refused():
    web = Web({"http://1.1.1.1/robots.txt": httpx.Response(404), "http://1.1.1.1/": redirect("http://inside.test/")})
    with pytest.raises(TaskError, match=r"inside\.test:80"):
        await crawled({}, transport=guarded(web, {"site.test": ["1.1.1.1"], "inside.test": ["169.254.169.254"]}))
    assert web.asked == ["http://1.1.1.1/robots.txt", "http://1.1.1.1/"]


@pytest.mark.security
async def test_a_host_that_moves_inside_during_the_crawl_is_not_followed_there():
    web = Web({"http://1.1.1.1/robots.txt": httpx.Response(404), "http://1.1.1.1/": page("/secret")})
    transport = guarded(web, {"site.test": ["1.1.1.1", "1.1.1.1", "127.0.0.1"]})
    crawl = await crawled({}, transport=transport)
    assert [link.reason for link in crawl.report.broken] == ["no public address"]
    assert web.asked == ["http://1.1.1.1/robots.txt", "http://1.1.1.1/"]


async def drip():
    while True:
        await asyncio.sleep(1)
        yield b"x"


async def dripping(request):
    return httpx.Response(200, headers=HTML, content=drip())


@pytest.mark.security
@pytest.mark.looptime
async def test_a_page_that_drips_is_given_up():
    crawl = await crawled({"/": page("/drip", "/a"), "/drip": dripping, "/a": page()}, page_seconds=20)
    assert (crawl.report.pages, crawl.report.statuses["none"]) == (2, 1)
    assert asyncio.get_running_loop().time() < 30


@pytest.mark.security
@pytest.mark.looptime
async def test_a_crawl_ends_at_its_limit_with_what_it_has_read():
    pages = {"/": page(*(f"/{number}" for number in range(200)))} | {f"/{number}": dripping for number in range(200)}
    crawl = await crawled(pages, max_seconds=100)
    assert asyncio.get_running_loop().time() < 110
    assert (crawl.report.pages, crawl.report.complete) == (1, False)
    assert crawl.lines[-1] == "The crawl ends after 100 s, its limit."


@pytest.mark.security
@pytest.mark.looptime
@pytest.mark.parametrize("path", ["/robots.txt", "/"])
async def test_a_site_whose_first_page_drips_is_unreachable(path):
    with pytest.raises(UnreachableError, match="timed out"):
        await crawled({"/": page(), path: dripping}, max_seconds=10)


@pytest.mark.security
async def test_a_page_that_grows_is_cut():
    headers = HTML | {"Content-Encoding": "gzip"}
    body = bomb(50, b"<title>Grows</title>")
    crawl = await crawled({"/": page("/grows"), "/grows": httpx.Response(200, headers=headers, stream=Raw(body))})
    assert (crawl.report.pages, crawl.report.cut) == (2, 1)
    assert crawl.report.bytes < MAX_PAGE_BYTES + 1000


@pytest.mark.security
async def test_a_page_of_several_layers_is_broken():
    headers = HTML | {"Content-Encoding": "gzip, gzip"}
    crawl = await crawled({"/": page("/deep"), "/deep": httpx.Response(200, headers=headers, stream=Raw(b"x"))})
    assert "the response is compressed several times" in crawl.report.broken[0].reason
