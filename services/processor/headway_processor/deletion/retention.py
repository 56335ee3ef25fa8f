"""The retention of each kind: what its code says, or the settings; always below that of the namespace."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from headway.errors import SettingsError
from headway.kind import Kind, Registry
from headway_processor.settings import PREFIX

NAMESPACE = "HEADWAY_NATS_RETENTION_SECONDS"


def set_retentions(kinds: Registry, retentions: Mapping[str, float], namespace_seconds: float) -> None:
    """Give kinds the `retentions` of the settings, and check all. Raises SettingsError that says what to change."""
    if unknown := sorted(name for name in retentions if kinds.get(name) is None):
        raise SettingsError(f"{PREFIX}RETENTION: this processor has no kind {unknown[0]!r}")
    for kind in list(kinds):
        chosen = retentions.get(kind.name, kind.retention_seconds)
        kinds.add(msgspec.structs.replace(kind, retention_seconds=chosen))
        _check(kind, chosen, namespace_seconds)


def _check(kind: Kind, retention_seconds: float | None, namespace_seconds: float) -> None:
    if retention_seconds is not None and retention_seconds >= namespace_seconds:
        raise SettingsError(
            f"kind {kind.name!r}: its retention of {retention_seconds:g} s is not below that of the namespace, "
            f"{NAMESPACE}={namespace_seconds:g}"
        )
    if kind.retry_delay.max_seconds >= namespace_seconds:
        raise SettingsError(
            f"kind {kind.name!r}: its max_retry_delay of {kind.retry_delay.max_seconds:g} s is not below {NAMESPACE}="
            f"{namespace_seconds:g}: its tasks would be forgotten while they wait"
        )
