"""A test that needs a program is skipped without it, unless the program must be there."""

import pytest

from tests.fixtures import needs


@pytest.fixture(autouse=True)
def there(monkeypatch):
    monkeypatch.setattr(needs, "THERE", {"rope": lambda: True, "ladder": lambda: None, "lamp": lambda: ""})


@pytest.mark.parametrize("required", ["", "rope", "lamp", "lamp,rope"])
def test_a_test_is_skipped_with_what_is_missing(monkeypatch, required):
    monkeypatch.setenv(needs.REQUIRE, required)
    with pytest.raises(pytest.skip.Exception, match="needs ladder"):
        needs.check("rope", "ladder")


@pytest.mark.parametrize("required", ["all", "ladder", "rope,ladder"])
def test_a_test_fails_without_what_is_required(monkeypatch, required):
    monkeypatch.setenv(needs.REQUIRE, required)
    with pytest.raises(pytest.fail.Exception, match="ladder must be here"):
        needs.check("rope", "ladder")


@pytest.mark.parametrize("required", ["", "all", "rope"])
def test_a_test_runs_when_all_is_there(monkeypatch, required):
    monkeypatch.setenv(needs.REQUIRE, required)
    needs.check("rope")
