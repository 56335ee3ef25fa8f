"""The kind `cluster`: finds groups of texts that use the same words."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping

from headway import Job, task
from headway.errors import SettingsError
from headway.jetstream.connection import NatsSettings
from headway.service.extras import install
from headway.service.settings import load
from headway_kinds.cluster.params import ClusterParams
from headway_kinds.cluster.reading import read_texts
from headway_kinds.cluster.report import ClusterReport
from headway_kinds.cluster.stop_words import ENGLISH
from headway_kinds.cluster.terms import analyser
from headway_kinds.settings import Settings, read

MEMORY_BYTES = 2 * 1024**3
"""Below 400 MB are needed; but when it is imported OpenBLAS takes, twice, 8 MiB for each core of the machine."""
REQUIRED_PACKAGES = ("sklearn", "threadpoolctl")
"""Packages of the extra `cluster`. They are imported by the first task, as they take a second and 150 MB."""


def register(environ: Mapping[str, str]) -> None:
    """Register the kind with the settings in `environ`. Raises SettingsError, also when scikit-learn is missing."""
    settings, nats = read(environ), load(NatsSettings, "HEADWAY_NATS_", environ)
    if missing := [name for name in REQUIRED_PACKAGES if importlib.util.find_spec(name) is None]:
        raise SettingsError(f"the kind cluster needs {missing[0]}, which is not installed. Run: {install('cluster')}")

    @task("cluster", retries=1, concurrency=2, executor="process", memory=MEMORY_BYTES, log_level="WARNING")
    def handler(job: Job, params: ClusterParams) -> ClusterReport:
        """Cluster texts by their words: sizes, terms and examples of each cluster, and a picture."""
        return cluster(job, params, settings, nats)


def cluster(job: Job, params: ClusterParams, settings: Settings, nats: NatsSettings) -> ClusterReport:
    """Cluster texts and return the report. Raises TaskError when they cannot be read, or have no words.

    Args:
        nats: where the results of crawls are.
    """
    from headway_kinds.cluster import analysis

    began = time.monotonic()
    material = read_texts(job, params, settings, nats)
    ignored = {word.lower() for word in params.ignore} | (ENGLISH if params.stop_words == "english" else set())
    options = analysis.Options(
        k=0 if params.k == "auto" else params.k, max_k=params.max_k, min_texts=params.min_texts, seed=params.seed
    )
    return analysis.analyse(job, material, analyser(ignored, params.words_per_term), options, began)
