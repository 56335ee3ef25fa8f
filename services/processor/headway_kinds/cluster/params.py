"""The parameters of `cluster`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from headway import File
from headway_kinds.bulk.charset import Encoding
from headway_kinds.cluster.texts import MAX_TEXTS

MAX_K = 50
# fmt: off
ClusterCount = Literal[
    "auto", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
    30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50,
]
# fmt: on
"""A choice, so that a form can offer it."""
MAX_LISTED = 20_000
MAX_LISTED_CHARS = 100_000


class ClusterParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of `cluster`: `texts`, a column of a table (`source` or `file`), or the pages of a `crawl`."""

    texts: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=MAX_LISTED_CHARS)]],
        msgspec.Meta(
            title="Texts",
            description="The texts themselves. For many, use a table.",
            max_length=MAX_LISTED,
            examples=[["A first text", "A second one"]],
        ),
    ] = []
    source: Annotated[
        str,
        msgspec.Meta(
            title="Table",
            description="In place of texts: a path in the processor's data directory, or an http(s) URL, of a CSV "
            "file, plain or gzipped.",
            max_length=2048,
            examples=["reviews.csv", "https://example.org/reviews.csv.gz"],
        ),
    ] = ""
    file: Annotated[
        File,
        msgspec.Meta(title="File", description="In place of a table: a CSV file to upload, plain or gzipped."),
    ] = ""
    crawl: Annotated[
        str,
        msgspec.Meta(
            title="Crawl",
            description="In place of texts: the id of a task of yours of the kind crawl, which has kept the texts of "
            "its pages (texts=true).",
            pattern=r"^[A-Za-z0-9_-]{0,64}(?![\r\n])$",
        ),
    ] = ""
    column: Annotated[
        str,
        msgspec.Meta(
            title="Column", description="Name of the table's column with the texts.", max_length=100, examples=["text"]
        ),
    ] = ""
    delimiter: Annotated[
        str,
        msgspec.Meta(
            title="Delimiter",
            description="Character between the table's fields, or the word tab. Detected if empty.",
            pattern=r'^([^"\r\n\u0000]|tab|)(?![\r\n])$',
            examples=[",", ";", "tab"],
        ),
    ] = ""
    encoding: Annotated[
        Encoding,
        msgspec.Meta(title="Encoding", description="Character encoding of the table. Detected if empty."),
    ] = ""
    k: Annotated[
        ClusterCount,
        msgspec.Meta(
            title="Clusters",
            description="Number of clusters; auto tries several and takes the one with the best silhouette.",
        ),
    ] = "auto"
    max_k: Annotated[
        int,
        msgspec.Meta(title="Maximum clusters", description="Highest number that k=auto tries.", ge=2, le=MAX_K),
    ] = 12
    stop_words: Annotated[
        Literal["english", "none"],
        msgspec.Meta(
            title="Stop words",
            description="Words without a subject that are ignored. Of a hundred or more texts, words that are in more "
            "than half of them are ignored in any language.",
        ),
    ] = "english"
    ignore: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=40)]],
        msgspec.Meta(title="Ignore", description="More words to ignore.", max_length=1000, examples=[["please"]]),
    ] = []
    words_per_term: Annotated[
        int,
        msgspec.Meta(title="Words per term", description="2 counts pairs of words too, 3 triples.", ge=1, le=3),
    ] = 1
    min_texts: Annotated[
        int,
        msgspec.Meta(
            title="Minimum texts",
            description="Number of texts in which a term must occur; 0 for two of a hundred or more texts, else one.",
            ge=0,
            le=1000,
        ),
    ] = 0
    max_texts: Annotated[
        int,
        msgspec.Meta(title="Maximum texts", description="Number of texts to read.", ge=1, le=MAX_TEXTS),
    ] = 100_000
    seed: Annotated[
        int,
        msgspec.Meta(title="Seed", description="The same texts and seed give the same clusters.", ge=0, le=2**32 - 1),
    ] = 0

    def __post_init__(self) -> None:
        if sum(map(bool, (self.texts, self.source, self.file, self.crawl))) != 1:
            raise ValueError("give one of texts, source or file (a table with a column of texts), and crawl (its task)")
        if self.column and not (self.source or self.file):
            raise ValueError("column is the name of a column of a table: give source or file too")
