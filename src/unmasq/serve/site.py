"""All that one port answers: pages, API, nodes and operations, behind one gate; the same for `serve` and `run`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from unmasq.base.clock import Clock
from unmasq.base.errors import UnmasqError
from unmasq.base.exposition import Gauges, Metrics
from unmasq.base.telemetry import Counters
from unmasq.enrich.geo import Geo
from unmasq.enrich.names import ReverseNames
from unmasq.find.losses import by_kind
from unmasq.keep.control.audit import Audit
from unmasq.keep.control.tokens import Tokens
from unmasq.serve.accounting import Accounting
from unmasq.serve.answering import Answering, Noting, as_json, nothing_noted
from unmasq.serve.attempts import Attempts
from unmasq.serve.contract import ErrorBody
from unmasq.serve.endpoint import Endpoint
from unmasq.serve.gate import Doorkeeper, FindToken, Hosts
from unmasq.serve.headers import Headers
from unmasq.serve.journal import Journal, Write
from unmasq.serve.login import Login
from unmasq.serve.noting import Notebook
from unmasq.serve.openapi import document
from unmasq.serve.operations import Operations, Trouble
from unmasq.serve.pages.changes import Changes
from unmasq.serve.pages.endpoints import Pages
from unmasq.serve.pages.rendering import Rendering
from unmasq.serve.protocol import Backend
from unmasq.serve.rejudging import Rejudging
from unmasq.serve.routes import Routes
from unmasq.serve.table import of_store
from unmasq.serve.who import Sessions, Who, named

BEGUN = (("http_refused", "login"), ("http_refused", "token"), ("store_failed", ""))

_SMALLEST = 1000  # bytes that are worth compressing


@dataclass(frozen=True)
class Site:
    """What it is made of. `more` is what only some processes answer; `find` knows tokens that no list has; `tell` gets lines of JSON."""

    folder: Path
    backend: Backend
    clock: Clock
    counters: Counters
    gauges: Gauges
    trouble: Trouble
    days_unwritten: Callable[[], int] = int
    hosts: Sequence[str] = ()
    geo: Sequence[Path] = ()
    more: Sequence[Endpoint] = ()
    begun: Sequence[tuple[str, str]] = ()
    """Counters that are shown from the start."""
    find: FindToken = lambda _text: None
    tell: Write = lambda _line: None
    tokens: Tokens = field(init=False)
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", Tokens(self.folder))
        object.__setattr__(self, "sessions", Sessions(self.tokens, self.clock))

    def app(self) -> ASGIApp:
        """Raises InputError for a file about addresses that is none."""
        pages = self._pages()
        notebook = Notebook(Audit(self.folder), self.clock, self.counters)
        table = self.table(pages, notebook)
        gate = Doorkeeper(Hosts(self.hosts), self._who, self.sessions, self.counters)

        def told(request: Request, body: ErrorBody, status: int) -> Response:
            return pages.told(request, body, status) if is_for_people(request) else as_json(request, body, status)

        answering = GZipMiddleware(Answering(gate, notebook, told).app(table), minimum_size=_SMALLEST)
        return Headers(Accounting(answering, self.counters, Journal(self.tell, self.clock)))

    def table(self, pages: Pages, note: Noting = nothing_noted) -> list[Endpoint]:
        """Everything that is answered."""
        metrics = Metrics(self.counters, self._measured, (*self.begun, *BEGUN), by_kind)
        operations = Operations(metrics, Audit(self.folder), self.trouble, self._unready)
        login = Login(self.sessions, pages.rendering, self.counters, Attempts(self.clock), note)
        described = [*of_store(Routes(self.backend, self.clock)), *self.more, *operations.endpoints()]
        made = document(described)
        description = Endpoint("GET", "/api/v1/openapi.json", "see", "This description.", lambda _request, _body: made)
        return [*described, description, *login.endpoints(), *Changes(pages).endpoints(), *pages.endpoints()]

    def _measured(self) -> dict[str, float]:
        is_ready = not (self.trouble() or self._unready())
        return {**self.gauges(), "sessions": len(self.sessions), "ready": float(is_ready)}

    def _pages(self) -> Pages:
        geo = Geo.open(self.geo, self.clock)
        return Pages(self.backend, self.clock, Rendering(), Rejudging(self.backend.rejudge), geo, ReverseNames(self.clock))

    def _who(self, text: str) -> Who | None:
        token = self.tokens.find(text, self.clock.now_us())
        return named(token) if token else self.find(text)

    def _unready(self) -> str | None:
        try:
            self.backend.trust()
        except UnmasqError:
            return "the store does not answer"
        return "a day cannot be written" if self.days_unwritten() else None


def is_for_people(request: Request) -> bool:
    """Whether a browser asks for a page: the API is for programs, whatever they accept."""
    path = request.url.path
    is_page = not (path.startswith("/api/") or path.endswith((".json", ".md")) or path in ("/metrics", "/healthz", "/readyz"))
    return is_page and "text/html" in request.headers.get("accept", "")
