"""The type of a parameter that is a file: its id, which the page and the command let people upload a file for."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

FILE_FORMAT = "headway-file"
"""The `format` of such a parameter in the JSON Schema of its kind."""
FILE_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"


class _PydanticForm:
    """Tells pydantic the same schema as `msgspec.Meta` tells msgspec."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        schema: dict[str, Any] = handler(core)
        return schema | {"format": FILE_FORMAT, "pattern": FILE_PATTERN}


File = Annotated[str, msgspec.Meta(pattern=FILE_PATTERN, extra_json_schema={"format": FILE_FORMAT}), _PydanticForm()]
"""A file that the task's owner has uploaded, such as `table: File` in a class of parameters. `job.open` reads it."""
