"""OPTIONS on each route: the methods that it has."""

from __future__ import annotations

from collections.abc import Iterable

from litestar import Response, route
from litestar.handlers import HTTPRouteHandler


def options_of(handlers: Iterable[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """Handlers of OPTIONS for the paths of `handlers`, to be registered before them.

    Litestar's own name the methods of the handler that was registered first, and miss those of others on its path.
    """
    methods: dict[str, set[str]] = {}
    for handler in handlers:
        for path in handler.paths:
            methods.setdefault(path, {"OPTIONS"}).update(handler.http_methods)
    return [_options(path, ", ".join(sorted(names))) for path, names in methods.items()]


def _options(path: str, allowed: str) -> HTTPRouteHandler:
    @route(path, http_method="OPTIONS", status_code=204, include_in_schema=False, sync_to_thread=False)
    def options() -> Response[None]:
        return Response(None, status_code=204, headers={"Allow": allowed})

    return options
