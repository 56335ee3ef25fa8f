"""A method that is replaced while something is connected."""

from headway.hook import Hook


class Library:
    def work(self, count):
        """Its own words."""
        return count


def made(calls):
    def make(own):
        def work(self, *args):
            if hook.active:
                calls.append(args)
            return own(self, *args)

        return work

    hook = Hook("work", make)
    return hook


def test_several_connections_replace_the_method_once():
    own, hook = Library.work, made(calls := [])
    with hook.connect(Library):
        with hook.connect(Library):
            Library().work(1)
        assert Library().work(2) == 2
        assert (Library.work.__name__, Library.work.__doc__) == ("work", "Its own words.")
    assert Library.work is own
    assert calls == [(1,), (2,)]
    assert not hook.active


def test_other_code_may_replace_it_meanwhile(monkeypatch):
    own, hook, theirs = Library.work, made(calls := []), []
    connection = hook.connect(Library)
    ours = Library.work
    monkeypatch.setattr(Library, "work", lambda self, count: (theirs.append(count), ours(self, count))[1])
    connection.close()
    assert Library().work(1) == 1
    with hook.connect(Library):
        Library().work(2)
    assert (calls, theirs) == ([(2,)], [1, 2])
    monkeypatch.undo()
    with hook.connect(Library):
        pass
    assert Library.work is own
