"""An answer in the form that was asked for: JSON, a line of JSON for each row, or CSV. Each is inert wherever it is shown."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any

from msgspec import Struct, to_builtins
from starlette.requests import Request
from starlette.responses import Response

from unmasq.base.errors import UsageError
from unmasq.base.safe import cell
from unmasq.find.answer import Trace
from unmasq.keep.control.audit import AuditPage
from unmasq.keep.shapes import Facets, FlowPage, Histogram, Top
from unmasq.model.completeness import Completeness
from unmasq.model.flow import Flow
from unmasq.report.columns import COLUMNS
from unmasq.serve.contract import InvalidRequest, body_of

TYPES = {"json": "application/json", "jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}
"""All forms, with what they are called in HTTP."""


def formed(answer: object, request: Request) -> Response:
    """The answer as a response. Raises InvalidRequest for a form that there is not, or that has no rows."""
    form = form_wanted(request)
    more = answer.next if isinstance(answer, (FlowPage, AuditPage)) else None
    headers = {"link": f'<{_behind(request, more)}>; rel="next"'} if more else {}
    known = getattr(answer, "completeness", None)
    headers |= {"unmasq-completeness": _figures(known)} if isinstance(known, Completeness) else {}
    return Response(_written(answer, form), 200, headers, media_type=TYPES[form])


def _behind(request: Request, more: str) -> str:
    """The address of the next page, without the server's: a proxy with TLS before it may call it by another name."""
    url = request.url.include_query_params(after=more)
    return f"{url.path}?{url.query}"


def _figures(known: Completeness) -> str:
    """What rows cannot say, as a dictionary of RFC 8941: numbers alone."""
    figures = {
        "doubts": len(known.doubts),
        "nodes": known.nodes,
        "silent": len(known.silent),
        "requests": known.requests,
        "joined": known.joined,
        "rejected": sum(known.rejects.values()),
        "dropped": sum(count for counts in known.dropped.values() for count in counts.values()),
        "trust-version": known.trust_version,
        "judged-by-older": known.judged_by_older,
        "unwritten": len(known.unwritten),
        "unreadable": len(known.unreadable),
    }
    return ", ".join(f"{name}={number}" for name, number in figures.items())


def form_wanted(request: Request) -> str:
    """What the query asks for, else what the Accept header does, else JSON. Raises InvalidRequest."""
    said = request.query_params.get("format")
    if said is None:
        accepted = request.headers.get("accept", "")
        return next((form for form, kind in TYPES.items() if form != "json" and kind.partition(";")[0] in accepted), "json")
    if said not in TYPES:
        raise InvalidRequest(UsageError(f"no such form: {said!r}", "an answer has a few forms", ", ".join(TYPES)), "query.format")
    return said


def _written(answer: object, form: str) -> bytes:
    if form == "json":
        return body_of(answer)
    rows = _rows(answer)
    return b"".join(map(body_of, rows)) if form == "jsonl" else _csv(rows)


def _rows(answer: object) -> Sequence[Any]:
    """What of an answer is a list."""
    match answer:
        case FlowPage(flows=rows) | Top(ranked=rows) | Histogram(buckets=rows) | AuditPage(entries=rows):
            return rows
        case Facets():
            return [{"field": facet.field} | to_builtins(value) for facet in answer.facets for value in facet.values]
        case Trace():
            return [answer]
        case list():
            return answer
        case _:
            raise InvalidRequest(UsageError("this answer has no rows", "it is one document", "ask for format=json"), "query.format")


def _csv(rows: Sequence[Any]) -> bytes:
    flat = list(_table(rows))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([cell(each) for each in row] for row in flat)
    return out.getvalue().encode("utf-8", "backslashreplace")


def _table(rows: Sequence[Any]) -> Iterable[list[str]]:
    if rows and isinstance(rows[0], Flow):
        yield list(COLUMNS)
        yield from ([column.text(flow, UTC) for column in COLUMNS.values()] for flow in rows)
        return
    plain = [to_builtins(row) if isinstance(row, Struct) else row for row in rows]
    if plain:
        yield list(plain[0])
    yield from ([_text(value) for value in row.values()] for row in plain)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, dict)):
        return body_of(value).decode().strip()
    return str(value)
