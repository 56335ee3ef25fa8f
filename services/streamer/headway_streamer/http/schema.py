"""The machine-readable description of the API, at /schema."""

from __future__ import annotations

from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin

from headway import __version__

PATH = "/schema"


class _Json(JsonRenderPlugin):
    """Renders JSON, and leaves paths without a description to the application: its errors are problems, not pages."""

    def receive_router(self, router: Router) -> None:
        """Take Litestar's page for other paths out of the routes."""
        router.routes = [route for route in router.routes if not route.path_parameters]


def openapi() -> OpenAPIConfig:
    """What Litestar describes and where it serves that."""
    return OpenAPIConfig(
        title="Headway",
        version=__version__,
        description="Live progress of long-running work.",
        path=PATH,
        render_plugins=[_Json(path=["/", "/openapi.json"]), YamlRenderPlugin()],
        use_handler_docstrings=True,
    )
