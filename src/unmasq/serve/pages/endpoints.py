"""The pages as endpoints: each as HTML, and as JSON under its own name with `.json` behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from unmasq.base.clock import Clock
from unmasq.base.errors import UsageError
from unmasq.enrich.geo import Geo
from unmasq.enrich.names import ReverseNames
from unmasq.model.address import parse_range
from unmasq.serve.contract import ErrorBody, InvalidRequest
from unmasq.serve.endpoint import Endpoint
from unmasq.serve.pages import live, static, views
from unmasq.serve.pages.asked import Asked, Viewer
from unmasq.serve.pages.rendering import Rendering
from unmasq.serve.pages.search import place
from unmasq.serve.protocol import Backend
from unmasq.serve.rejudging import Rejudging
from unmasq.serve.who import masked

HTML = "text/html; charset=utf-8"
THEME_COOKIE = "unmasq_theme"
_FOREVER = "public, max-age=31536000, immutable"

_PLAIN = {"overview": "/", "flows": "/flows", "health": "/health", "proxies": "/proxies", "several": "/several"}
"""Pages with one path each."""


@dataclass(frozen=True)
class Pages:
    """All pages of one port."""

    backend: Backend
    clock: Clock
    rendering: Rendering
    rejudging: Rejudging
    geo: Geo
    names: ReverseNames

    def endpoints(self) -> list[Endpoint]:
        """Their paths are fixed, so that people and programs can rely on them; the longer ones of an address come first."""
        return [
            Endpoint("GET", "/static/{digest}/{name}", "nothing", "Style, script, icon.", self._static),
            *(self._page(name, path, as_json=as_json) for as_json in (True, False) for name, path in _PLAIN.items()),
            Endpoint("GET", "/search", "see", "To the page of what was typed.", self._search),
            Endpoint("GET", "/counts", "see", "The part of a page that counts.", self._counts),
            Endpoint("GET", "/proxies/undeclared", "see", "The part of the first page that says who looks like a proxy.", self._undeclared),
            Endpoint("GET", "/flows/live", "see", "New flows as rows.", raw=self._live),
            Endpoint("GET", "/ip/{address:path}/related", "see", "The part of an address page that says who is near.", self._related),
            Endpoint("GET", "/ip/{address:path}/flows", "see", "The part of an address page that lists its flows.", self._its_flows),
            Endpoint("GET", "/ip/{address:path}/names", "see", "Reverse DNS, on demand.", self._name),
            Endpoint("GET", "/ip/{address:path}.md", "see", "An address for a ticket.", self._markdown),
            self._page("address", "/ip/{address:path}", as_json=True),
            self._page("address", "/ip/{address:path}", as_json=False),
        ]

    def told(self, request: Request, body: ErrorBody, status: int) -> Response:
        """An error as a page; a browser that is not logged in is sent to do so."""
        if status == 401:
            return RedirectResponse("/login", 303)
        asked = self.asked(request, shows_data=False)
        return Response(self.rendering.html("problem.html", asked, problem=body.error), status, media_type=HTML)

    def asked(self, request: Request, *, shows_data: bool = True) -> Asked:
        """What a page needs to know of its request."""
        who = getattr(request.state, "who", None)
        viewer = Viewer(who.name, who.role == "admin" and bool(who.csrf), masked(who.csrf)) if who else Viewer()
        pairs = list(request.query_params.multi_items())
        address = request.path_params.get("address", "")
        theme = request.cookies.get(THEME_COOKIE, "")
        path = request.url.path.removesuffix(".json") or "/"
        networks = self.geo.sources if who else ()
        return Asked(self.backend, self.clock.now_us(), path, pairs, address, viewer, theme, self.geo.of, networks, shows_data)

    def _page(self, name: str, path: str, *, as_json: bool) -> Endpoint:
        if as_json:
            return Endpoint("GET", f"{path}.json", "see", f"The page {name} as JSON.", self._on_page(views.GATHER[name]))
        return Endpoint("GET", path, "see", f"The page {name}.", self._on_page(partial(self._html, name)))

    def _html(self, name: str, asked: Asked) -> Response:
        more = {"rejudging": self.rejudging.progress, "older": asked.data.judged_by_older} if name == "proxies" else {}
        return _html(views.html(name, asked, self.rendering, **more))

    def _on_page(self, answer: Callable[[Asked], Any]) -> Callable[[Request, bytes], Any]:
        def ask(request: Request, _body: bytes) -> Any:
            asked = self.asked(request)
            _check_subject(asked)
            return answer(asked)

        return ask

    def _static(self, request: Request, _body: bytes) -> Response:
        name = request.path_params["name"]
        if name not in static.TYPES or static.address(name) != request.url.path:
            raise InvalidRequest(
                UsageError(f"no such file: {name!r}", "its address changes with its content", "load the page again"), "path.name"
            )
        return Response(static.content(name), media_type=static.TYPES[name], headers={"cache-control": _FOREVER})

    def _search(self, request: Request, _body: bytes) -> Response:
        return RedirectResponse(place(request.query_params.get("q", "")), 303)

    def _counts(self, request: Request, _body: bytes) -> Response:
        return _html(views.counts_html(self.asked(request, shows_data=False), self.rendering))

    def _undeclared(self, request: Request, _body: bytes) -> Response:
        asked = self.asked(request, shows_data=False)
        return _html(self.rendering.html("undeclared.html", asked, pointers=asked.backend.proxies()))

    def _related(self, request: Request, _body: bytes) -> Response:
        return self._part(request, views.related_html)

    def _its_flows(self, request: Request, _body: bytes) -> Response:
        return self._part(request, views.flows_html)

    def _part(self, request: Request, html: Callable[[Asked, Rendering], str]) -> Response:
        """A part of an address page."""
        asked = self.asked(request, shows_data=False)
        _check_subject(asked)
        return _html(html(asked, self.rendering))

    def _name(self, request: Request, _body: bytes) -> Response:
        asked = self.asked(request, shows_data=False)
        _check_subject(asked)
        return _html(self.rendering.html("names.html", asked, name=self.names.of(asked.subject)))

    def _markdown(self, request: Request, _body: bytes) -> Response:
        asked = self.asked(request)
        _check_subject(asked)
        text = views.ticket(views.GATHER["address"](asked), asked)
        return Response(text + "\n", media_type="text/markdown; charset=utf-8")

    def _live(self, request: Request) -> Response:
        shown = live.Live(self.asked(request, shows_data=False), self.clock, self.rendering)
        return EventSourceResponse(live.events(shown), ping=15)


def _html(text: str) -> Response:
    return Response(text, media_type=HTML)


def _check_subject(asked: Asked) -> None:
    """Raises InvalidRequest for a page of something that is no address."""
    if asked.subject:
        try:
            parse_range(asked.subject)
        except UsageError as error:
            raise InvalidRequest(error, "path.address") from None
