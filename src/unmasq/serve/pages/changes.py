"""What the forms of pages change: whom you trust, and flows that are judged again."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from unmasq.serve.endpoint import Endpoint
from unmasq.serve.gate import form_of
from unmasq.serve.pages.endpoints import HTML, Pages
from unmasq.serve.protocol import TrustedProxy
from unmasq.unwind.trust import HEADERS

_BACK = "/proxies"


@dataclass(frozen=True)
class Changes:
    """The forms of the page of proxies."""

    pages: Pages

    def endpoints(self) -> list[Endpoint]:
        """Each leads back to the page, which shows what became of it."""
        return [
            Endpoint("POST", "/proxies/trust", "admin", "Trust a proxy.", self._add),
            Endpoint("POST", "/proxies/trust/remove", "admin", "Trust a proxy no longer.", self._remove),
            Endpoint("POST", "/proxies/rejudge", "admin", "Judge flows by the present list, beside the work.", self._rejudge),
            Endpoint("GET", "/proxies/rejudge", "see", "How far that is.", self._progress),
        ]

    def _add(self, request: Request, body: bytes) -> Response:
        form = form_of(request, body)
        proxy = TrustedProxy(form.get("name", ""), form.get("range", ""), form.get("header", HEADERS[0]))
        listed = self.pages.backend.trust_add([proxy])
        if not listed.warnings:
            return RedirectResponse(_BACK, 303)
        asked = self.pages.asked(request, shows_data=False)
        return Response(self.pages.rendering.html("trusted.html", asked, proxy=proxy, listed=listed), media_type=HTML)

    def _remove(self, request: Request, body: bytes) -> Response:
        self.pages.backend.trust_remove(form_of(request, body).get("name", ""))
        return RedirectResponse(_BACK, 303)

    def _rejudge(self, _request: Request, _body: bytes) -> Response:
        self.pages.rejudging.start(None)
        return RedirectResponse(_BACK, 303)

    def _progress(self, request: Request, _body: bytes) -> Response:
        asked = self.pages.asked(request, shows_data=False)
        older = asked.data.judged_by_older
        html = self.pages.rendering.html("rejudging.html", asked, rejudging=self.pages.rejudging.progress, older=older)
        return Response(html, media_type=HTML)
