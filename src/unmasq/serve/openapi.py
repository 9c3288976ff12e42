"""The description of the API, OpenAPI 3.1, made of the table of endpoints and of the very types that it answers with."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from unmasq import __version__
from unmasq.serve.contract import ErrorBody
from unmasq.serve.endpoint import Endpoint, Parameter
from unmasq.serve.forms import TYPES
from unmasq.serve.parameters import FORM

_TEMPLATE = "#/components/schemas/{name}"
_ERRORS = {
    "400": "The Host header is none of this server's names.",
    "401": "No token is shown that is known.",
    "403": "The token is not for this.",
    "413": "The body is too long.",
    "422": "Something in the question cannot be understood; `path` says what.",
    "500": "The store failed.",
    "503": "The store is busy.",
}
_LINES = {kind.partition(";")[0]: {"schema": {"type": "string"}} for form, kind in TYPES.items() if form != "json"}
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "What `unmasq token add` made."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "unmasq_session",
        "description": "A browser that is logged in; `__Host-unmasq_session` over TLS.",
    },
}


def document(table: Iterable[Endpoint]) -> dict[str, Any]:
    """The description of those endpoints that give a value of a type."""
    described = [each for each in table if each.gives is not None]
    types = [ErrorBody, *(each.gives for each in described), *(each.body for each in described if each.body is not None)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    schema_of = {str(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for each in described:
        paths.setdefault(_path(each.path), {})[each.method.lower()] = _operation(each, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "unmasq", "version": __version__, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


def _path(path: str) -> str:
    """A path as OpenAPI writes it: without what kind of text a part is."""
    return re.sub(r":\w+}", "}", path)


def _operation(endpoint: Endpoint, schema_of: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": _name(endpoint),
        "summary": endpoint.summary,
        "description": f"Needs the role {endpoint.needs}.",
        "security": [] if endpoint.needs == "nothing" else [{"bearer": []}] + ([{"session": []}] if endpoint.needs != "node" else []),
        "parameters": [_parameter(each) for each in endpoint.takes],
        "responses": _responses(endpoint, schema_of),
    }
    if endpoint.body is not None:
        made["requestBody"] = {"required": True, "content": _content(schema_of[str(endpoint.body)])}
    return made


def _name(endpoint: Endpoint) -> str:
    words = re.findall(r"[a-z_]+", re.sub(r"{.*", "", endpoint.path.removeprefix("/api/v1/")))
    return "_".join([endpoint.method.lower(), *words])


def _parameter(each: Parameter) -> dict[str, Any]:
    kind = each.kind
    made = {
        "name": each.name,
        "in": each.place,
        "description": each.means,
        "required": each.required,
        "schema": {"type": "array", "items": kind} if each.many else kind,
    }
    return made | ({"style": "form", "explode": True} if each.many else {})


def _responses(endpoint: Endpoint, schema_of: dict[str, Any]) -> dict[str, Any]:
    errors = {
        status: {"description": means, "content": _content(schema_of[str(ErrorBody)])}
        for status, means in _ERRORS.items()
        if (endpoint.needs != "nothing" or status not in ("401", "403")) and (endpoint.body is not None or status != "413")
    }
    content = _content(schema_of[str(endpoint.gives)]) | (_LINES if FORM in endpoint.takes else {})
    return {"200": {"description": endpoint.summary, "content": content}} | errors


def _content(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
