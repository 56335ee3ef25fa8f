"""`headway.tqdm.connect`: what it changes, and that it is undone."""

import sys

import pytest
from tqdm import tqdm as bar

import headway.tqdm


def constructor():
    return vars(bar)["__init__"]


def test_it_is_undone_when_the_last_connection_ends():
    before = constructor()
    with headway.tqdm.connect():
        with headway.tqdm.connect():
            hook = constructor()
        assert constructor() is hook is not before
    assert constructor() is before


def test_another_library_may_replace_the_same_method_meanwhile(monkeypatch):
    before, made = constructor(), []
    connection = headway.tqdm.connect()
    hook = constructor()
    monkeypatch.setattr(
        bar, "__init__", lambda self, *args, **options: (made.append(1), hook(self, *args, **options))[0]
    )
    connection.close()
    bar(disable=True)
    with headway.tqdm.connect():
        bar(disable=True)
    assert made == [1, 1]
    monkeypatch.undo()
    with headway.tqdm.connect():  # leaves the class as it was
        pass
    assert constructor() is before


def test_without_tqdm_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match="pip install tqdm"):
        headway.tqdm.connect()


def test_a_bar_that_cannot_be_shown_runs_all_the_same(monkeypatch, caplog):
    from headway.track import current

    class Broken:
        def bar(self, **options):
            raise RuntimeError("broken")

    token = current.set(Broken())
    with headway.tqdm.connect():
        assert list(bar(range(3), disable=None, file=sys.__stderr__)) == [0, 1, 2]
    current.reset(token)
    assert [record.action for record in caplog.records] == ["bar_not_shown"]
