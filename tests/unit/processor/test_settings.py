"""The settings of the processor, and what they refuse."""

import pytest

from headway.errors import SettingsError
from headway.service.settings import load
from headway_processor.settings import PREFIX, TASK_LOG_LEVELS, Settings


@pytest.mark.parametrize("level", [*TASK_LOG_LEVELS, "debug"])
def test_levels_of_task_logs_are_taken_in_any_case(level):
    assert load(Settings, PREFIX, {f"{PREFIX}TASK_LOG_LEVEL": level}).task_log_level == level


def test_another_level_is_refused():
    with pytest.raises(SettingsError, match="HEADWAY_PROCESSOR_TASK_LOG_LEVEL is one of DEBUG"):
        load(Settings, PREFIX, {f"{PREFIX}TASK_LOG_LEVEL": "loud"})


def test_retentions_of_kinds_are_read():
    settings = load(Settings, PREFIX, {f"{PREFIX}RETENTION": "crawl=86400, bulk=0.5"})
    assert settings.retentions == {"crawl": 86400.0, "bulk": 0.5}
    assert Settings().retentions == {}


@pytest.mark.parametrize("text", ["crawl", "crawl=", "crawl=0", "crawl=-1", "crawl=inf", "crawl=nan", "a b=3", "=3"])
def test_another_form_of_a_retention_is_refused(text):
    with pytest.raises(SettingsError, match="HEADWAY_PROCESSOR_RETENTION names kinds and seconds"):
        load(Settings, PREFIX, {f"{PREFIX}RETENTION": text})
