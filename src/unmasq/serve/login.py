"""Logging in with a browser: by the link that the program printed, once, or by a token that somebody was given."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from unmasq.base.telemetry import Counters
from unmasq.serve.attempts import Attempts
from unmasq.serve.endpoint import Endpoint
from unmasq.serve.gate import COOKIE, form_of, session_of
from unmasq.serve.pages.rendering import Rendering
from unmasq.serve.who import Sessions

_FAILED = "that is no link or token that is known, or it was used already"


class Login:
    """Counts `logins` by way, and `http_refused` `login` for what did not work."""

    def __init__(self, sessions: Sessions, rendering: Rendering, counters: Counters, attempts: Attempts, *, is_secure: bool) -> None:
        self._sessions, self._rendering, self._counters, self._attempts = sessions, rendering, counters, attempts
        self._is_secure = is_secure

    def endpoints(self) -> list[Endpoint]:
        """The three of them."""
        return [
            Endpoint("GET", "/login", "nothing", "Log in by a link, or be asked for a token.", self._form),
            Endpoint("POST", "/login", "nothing", "Log in with a token.", self._by_token),
            Endpoint("POST", "/logout", "see", "Log out.", self._out),
        ]

    def _form(self, request: Request, _body: bytes) -> Response:
        link = request.query_params.get("token")
        if link is None:
            return self._page(200, "")
        return self._begun(self._sessions.by_link(link) if self._attempts.may() else None, "link")

    def _by_token(self, request: Request, body: bytes) -> Response:
        text = form_of(request, body).get("token", "").strip()
        return self._begun(self._sessions.by_token(text) if self._attempts.may() else None, "token")

    def _out(self, request: Request, _body: bytes) -> Response:
        if session := session_of(request):
            self._sessions.end(session)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, path="/")
        return response

    def _begun(self, session: str | None, way: str) -> Response:
        if session is None:
            self._attempts.failed()
            self._counters.add("http_refused", reason="login")
            return self._page(401, _FAILED)
        self._counters.add("logins", reason=way)
        response = RedirectResponse("/", 303)
        # Lax, since a link from a terminal or a chat is a visit from elsewhere, and what changes something needs a form's secret.
        response.set_cookie(COOKIE, session, httponly=True, samesite="lax", path="/", secure=self._is_secure)
        return response

    def _page(self, status: int, trouble: str) -> Response:
        return Response(self._rendering.alone("login.html", trouble=trouble), status, media_type="text/html")
