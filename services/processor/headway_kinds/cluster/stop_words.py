"""English words that say nothing about the subject of a text: the long ones of `crawl`, and shorter ones."""

from __future__ import annotations

from headway_kinds.crawl.stopwords import STOP_WORDS as LONG

_SHORT = """
a all am an and any are as ask at be but by can did do ec eg etc few for get got had has he her him his how i ie if in
is it its let ll may me my no nor not now of off on one or our out own per re say see she so than the them then they to
too try two up us use ve via was we who why yes yet you
"""

ENGLISH = LONG | frozenset(_SHORT.split())
