"""What `connect` was asked for."""

import pytest

from headway.celery.options import Options
from headway.ownership import UNKNOWN, Ownership


@pytest.mark.parametrize(
    ("owner", "ownership"),
    [
        (None, UNKNOWN),
        (lambda: None, UNKNOWN),
        (lambda: "", UNKNOWN),
        (lambda: "ann", Ownership("ann")),
        (lambda: 7, Ownership("7")),
        (lambda: ("ann", "acme"), Ownership("ann", "acme")),
        (lambda: 1 / 0, UNKNOWN),
        (lambda: ("ann", "acme", "more"), UNKNOWN),
    ],
)
def test_an_owner_may_be_anything(owner, ownership):
    assert Options(owner).ownership() == ownership


def test_tasks_by_which_celery_works_are_not_reported():
    assert not Options().reports("celery.chord_unlock")
    assert Options().reports("celery.accumulate")
    assert [Options(reported=lambda name: name == "a").reports(name) for name in ("a", "b")] == [True, False]
