"""The operations are those of the application, with the parameters that its handlers take."""

import re

from litestar.params import HeaderParameter, QueryParameter

from headway_streamer.api.operations import EVERYWHERE, OPERATIONS, PROBLEMS
from headway_streamer.http import console
from headway_streamer.http.app import ROUTES

HANDLERS = [*ROUTES, console.index, console.page_file]


def declared(handler):
    """The methods and paths of a handler."""
    paths = {re.sub(r"\{(\w+):\w+\}", r"{\1}", path) for path in handler.paths}
    return {(method.lower(), path) for method in handler.http_methods for path in paths}


def test_every_route_is_described_and_nothing_else():
    described = [(operation.method, operation.path) for operation in OPERATIONS]
    assert len(described) == len(set(described)) == len({operation.id for operation in OPERATIONS})
    assert set(described) == set().union(*map(declared, HANDLERS))


def taken(handler):
    """The names of the query and header parameters that a handler declares."""
    names = set()
    for name, annotation in handler.fn.__annotations__.items():
        text = str(annotation)
        if "Query" in text:
            marked = [
                one for one in getattr(resolved(handler, name), "__metadata__", ()) if isinstance(one, QueryParameter)
            ]
            names.add(marked[0].name if marked and marked[0].name else name)
        elif "HeaderParameter" in text:
            marked = [one for one in resolved(handler, name).__metadata__ if isinstance(one, HeaderParameter)]
            names.add(marked[0].name)
    return names


def resolved(handler, name):
    from typing import get_type_hints

    return get_type_hints(handler.fn, include_extras=True)[name]


def test_every_parameter_that_a_handler_declares_is_described():
    for handler in HANDLERS:
        for method, path in declared(handler):
            (operation,) = [one for one in OPERATIONS if (one.method, one.path) == (method, path)]
            assert taken(handler) <= {parameter.name for parameter in operation.parameters}, path
            in_path = {parameter.name for parameter in operation.parameters if parameter.place == "path"}
            assert in_path == set(re.findall(r"\{(\w+)\}", path))


def test_every_problem_has_a_description():
    used = {status for operation in OPERATIONS for status in operation.problems} | {401, *EVERYWHERE}
    assert used == set(PROBLEMS)
    for operation in OPERATIONS:
        assert not set(EVERYWHERE) & set(operation.problems), operation.id
