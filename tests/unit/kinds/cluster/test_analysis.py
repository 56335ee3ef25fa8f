"""The clustering of texts as a whole: what comes of odd collections."""

import random
import time

import msgspec
import pytest

from headway import TaskCancelledError, TaskError
from headway.errors import CancelRequestedError
from headway.events import LogLine, Progress
from headway.testing import MemoryLog, start_job
from headway_kinds.cluster.analysis import Options, analyse
from headway_kinds.cluster.report import MAX_POINTS
from headway_kinds.cluster.terms import analyser
from headway_kinds.cluster.texts import Material, Texts

SUBJECTS = {
    "weather": "rain snow storm cloud wind sunny forecast thunder humid cold",
    "kitchen": "oven recipe flour butter bake sugar pan salt boil spoon",
    "ships": "harbour anchor sail captain deck vessel cargo tide crew mast",
}
CHINESE = {"天气": "下雨 刮风 晴天 台风", "音乐": "钢琴 歌曲 乐队 唱片"}


def sentences(count, subjects=SUBJECTS, glue=" "):
    """Texts of a few words of one subject each, in turn."""
    chosen = random.Random(1)
    words = [subject.split() for subject in subjects.values()]
    return [glue.join(chosen.choices(words[number % len(words)], k=6)) for number in range(count)]


class Run:
    """Runs of the analysis, each on a log in memory."""

    async def __call__(self, listed, *, k=0, max_k=8, min_texts=0, seed=0, longest=1, stop=False):
        texts = Texts()
        for text in listed:
            texts.add(text)
        self.log = MemoryLog()
        job = start_job(self.log, interval_seconds=0)
        if stop:
            job.stop(CancelRequestedError("t1", "enough"))
        options = Options(k=k, max_k=max_k, min_texts=min_texts, seed=seed)
        try:
            report = analyse(job, Material(texts, "texts", []), analyser((), longest), options, time.monotonic())
            await job.finish("completed", data=report)
        finally:
            await job.abort()
        return report


@pytest.fixture
def run():
    return Run()


async def test_the_subjects_of_texts_are_found_with_their_terms_and_examples(run):
    report = await run(sentences(90))
    assert [one.size for one in report.clusters] == [30, 30, 30]
    found = {next(name for name, words in SUBJECTS.items() if one.terms[0] in words): one for one in report.clusters}
    assert set(found) == set(SUBJECTS)
    for name, one in found.items():
        assert set(one.terms) < set(SUBJECTS[name].split())
        assert all(set(example.split()) <= set(SUBJECTS[name].split()) for example in one.examples)
        assert one.share == 33.3
    assert report.k == max(report.scores, key=lambda score: score.silhouette).k == 3
    assert [score.k for score in report.scores] == [2, 3, 4, 5, 6, 7, 8]
    assert (report.texts, report.terms, report.warnings) == (90, 30, [])


async def test_the_picture_has_a_point_for_each_text_of_few_and_a_sample_of_many(run):
    few = (await run(sentences(30), k=3)).plot
    assert [group.size for group in few.groups] == [10, 10, 10]
    assert sorted(point.group for point in few.points) == [1] * 10 + [2] * 10 + [3] * 10
    assert "Each text" in few.note
    many = (await run(sentences(MAX_POINTS + 200), k=3)).plot
    assert len(many.points) <= MAX_POINTS
    assert f"{len(many.points):,} of 1,200 texts" in many.note


async def test_the_same_seed_gives_the_same_result(run):
    texts = [f"{text} noise{number % 7}" for number, text in enumerate(sentences(60))]
    first, second, other = [msgspec.to_builtins(await run(texts, k=5, seed=seed)) for seed in (1, 1, 2)]
    for report in (first, second, other):
        del report["seconds"], report["texts_per_second"]
    assert first == second
    assert first != other


@pytest.mark.parametrize(
    ("texts", "k", "sizes", "warning"),
    [
        (["one text"], 0, [1], "There is one cluster: there is one text."),
        (["one text"], 5, [1], "There is one cluster: there is one text."),
        (["the same"] * 200, 0, [200], "There is one cluster: the texts are alike."),
        (["red door", "door red"], 0, [2], "the texts are alike"),  # the order of words does not matter
        (["red door", "green roof"], 0, [1, 1], None),
        (["red door"] * 3 + ["green roof"] * 2, 9, [3, 2], "There are 2 clusters instead of 9"),
        (sentences(4), 50, None, "There are 4 clusters instead of 50"),
        (["red door", "—", "", "12"], 1, [1], "2 of 3 texts are in no cluster"),
    ],
)
async def test_odd_collections_have_a_result_that_says_what_is_odd(run, texts, k, sizes, warning):
    report = await run(texts, k=k)
    if sizes is not None:
        assert [one.size for one in report.clusters] == sizes
    assert sum(one.size for one in report.clusters) + report.skipped_without_terms + report.skipped_empty == len(texts)
    assert any(warning in one for one in report.warnings) if warning else not report.warnings
    logged = [event.message for event in run.log.events("t1") if isinstance(event, LogLine)]
    assert logged == report.warnings


@pytest.mark.parametrize(
    ("texts", "given", "type"),
    [
        ([], {}, "NoTexts"),
        (["", "  "], {}, "NoTexts"),
        (["—", "12 7 !"], {}, "NoTerms"),
        (["red", "green"], {"min_texts": 2}, "NoTerms"),
    ],
)
async def test_texts_without_words_are_an_error(run, texts, given, type):
    with pytest.raises(TaskError) as error:
        await run(texts, **given)
    assert (error.value.type, error.value.retryable) == (type, False)


async def test_texts_without_spaces_are_clustered_by_pairs_of_characters(run):
    report = await run(sentences(40, CHINESE, glue=""), k=2)
    assert [one.size for one in report.clusters] == [20, 20]
    shown = ["".join(one.terms) for one in report.clusters]
    assert any("钢琴" in terms for terms in shown) != all("钢琴" in terms for terms in shown)


async def test_long_texts_and_markup_are_only_text(run):
    hostile = "<script>alert(1)</script> \x00 \u202e =cmd " + "word " * 5000
    report = await run([hostile, *sentences(9)], k=2)
    assert report.cut == 1
    assert report.texts == 10


async def test_progress_names_the_steps_and_ends_at_the_counts(run):
    await run(sentences(60))
    events = [event for event in run.log.events("t1") if isinstance(event, Progress)]
    steps = list(dict.fromkeys(event.step for event in events if event.step))
    assert steps == ["Vectorising", "Reducing", "Choosing k", "Clustering", "Drawing"]
    assert all(event.done <= event.total for event in events if event.total and event.done is not None)


async def test_a_cancelled_analysis_ends_before_its_first_batch(run):
    with pytest.raises(TaskCancelledError):
        await run(sentences(10), stop=True)
