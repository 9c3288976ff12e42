"""What is noted of a change: who, when, what was sent without its secrets, and how it ended."""

from collections.abc import Iterable
from urllib.parse import urlencode

from starlette.requests import Request

from unmasq.base import moments
from unmasq.base.clock import Clock
from unmasq.base.errors import StoreError
from unmasq.base.safe import shortened
from unmasq.base.telemetry import Counters
from unmasq.keep.control.audit import LONGEST, Audit, Entry
from unmasq.serve.gate import CSRF_FIELD, form_of
from unmasq.serve.who import Who

_SECRET = (CSRF_FIELD, "token")


class Notebook:
    """Writes the audit. Counts `audit_failed`: what was done is done, and that it could not be noted must not be overlooked."""

    def __init__(self, audit: Audit, clock: Clock, counters: Counters) -> None:
        self._audit, self._clock, self._counters = audit, clock, counters

    def __call__(self, who: Who, request: Request, body: bytes, status: int) -> None:
        entry = Entry(
            at=moments.text(self._clock.now_us()),
            who=who.name,
            role=who.role,
            method=request.method,
            path=request.url.path,
            sent=shortened(_sent(request, body), LONGEST),
            status=status,
        )
        try:
            self._audit.add(entry)
        except StoreError:
            self._counters.add("audit_failed")


def _sent(request: Request, body: bytes) -> str:
    query = _without_secrets(request.query_params.multi_items())
    form = form_of(request, body)
    told = _without_secrets(form.items()) if form else body.decode("utf-8", "backslashreplace")
    return " ".join(filter(None, (query, told)))


def _without_secrets(pairs: Iterable[tuple[str, str]]) -> str:
    return urlencode([(name, value) for name, value in pairs if name not in _SECRET], errors="replace")
