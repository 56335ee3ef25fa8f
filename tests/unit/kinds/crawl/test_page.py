"""What a crawl learns from a page."""

from headway_kinds.crawl.page import MAX_LINKS, MAX_TEXT_CHARS, is_html, read_page

URL = "http://example.org/dir/page"


def test_title_words_and_links_are_found():
    page = read_page(
        b"<title> The \n Title &amp; more </title><h1>Trains</h1><p>Trains leave the station.</p><a href=next>on</a>",
        URL,
    )
    assert page.title == "The Title & more"
    assert page.words == 6
    assert page.counts == {"trains": 2, "leave": 1, "station": 1}
    assert page.links == ["http://example.org/dir/next"]


def test_each_link_is_kept_once_in_the_order_of_the_page():
    page = read_page(b"<a href=/b>1</a><a href=/a>2</a><a href=/b#x>3</a><a href=#y>4</a><area href=/c>", URL)
    assert page.links == [f"http://example.org/{name}" for name in "bac"]


def test_links_that_are_no_pages_are_left_out():
    assert read_page(b"<a href='mailto:x@y.z'>m</a><a href='javascript:x()'>j</a><a name=n>n</a>", URL).links == []


def test_links_are_resolved_against_the_first_base():
    page = read_page(b"<base href='/other/'><base href='/third/'><a href=x>x</a>", URL)
    assert page.links == ["http://example.org/other/x"]


def test_the_text_is_its_beginning_with_single_spaces():
    page = read_page(b"<title>T</title><p>rain &amp;  <b>sn</b>ow</p>\n<script>x</script><p>wind</p>", URL)
    assert page.text == "rain & snow wind"
    long = read_page(b"<p>" + b"word \n" * 5000, URL).text
    assert len(long) == MAX_TEXT_CHARS - 1
    assert long.endswith("word")


def test_inline_tags_do_not_split_words_and_block_tags_do():
    assert read_page(b"<p>sta<b>tion</b></p><p>clock</p>", URL).counts == {"station": 1, "clock": 1}


def test_scripts_styles_and_comments_are_not_words():
    assert read_page(b"<script>alert</script><style>color</style><!-- comment --><p>text</p>", URL).words == 1


def test_short_words_stop_words_and_numbers_count_but_are_not_ranked():
    page = read_page(b"<p>the cat 2024 with 1st although platform</p>", URL)
    assert (page.words, page.counts) == (7, {"platform": 1})


def test_links_of_one_page_are_bounded():
    body = "".join(f"<a href=/{number}>x</a>" for number in range(MAX_LINKS + 500)).encode()
    assert len(read_page(body, URL).links) == MAX_LINKS


def test_a_page_without_a_title_or_text_is_a_page_too():
    page = read_page(b"", URL)
    assert (page.title, page.words, page.links) == ("", 0, [])


def test_bytes_that_are_no_html_do_no_harm():
    assert read_page(bytes(range(256)) * 50, URL).links == []


def test_a_long_title_is_cut():
    assert len(read_page(b"<title>" + b"x" * 5000 + b"</title>", URL).title) == 200


def test_html_is_known_by_its_type():
    assert is_html("text/html")
    assert is_html("application/xhtml+xml")
    assert not is_html("application/pdf")
