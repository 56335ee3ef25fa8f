"""One line per rung of the ladder, at the end of the run."""

import httpx
import pytest

from tests.fixtures.figures import note


@pytest.fixture
def rung():
    """Call it with what was checked and its figures."""

    def say(what: str, **figures: object) -> None:
        note(f"charts      {what:<52}  " + " · ".join(f"{name} {value}" for name, value in figures.items()))

    return say


@pytest.fixture
async def http():
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None)) as client:
        yield client
