"""Logging in with a browser: by the link that the program printed, once, or by a token that somebody was given."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from unmasq.base.clock import MICROSECONDS
from unmasq.base.telemetry import Counters
from unmasq.serve.answering import Noting
from unmasq.serve.attempts import WITHIN_US, Attempts
from unmasq.serve.endpoint import Endpoint
from unmasq.serve.gate import cookie_of, form_of, session_of
from unmasq.serve.pages.rendering import Rendering
from unmasq.serve.who import Sessions

_FAILED = "that is no link or token that is known, or it was used already"
_TOO_OFTEN = "that was wrong too often: wait a minute"


class Login:
    """Counts `logins` by way, and `http_refused` `login` for what did not work."""

    def __init__(self, sessions: Sessions, rendering: Rendering, counters: Counters, attempts: Attempts, note: Noting) -> None:
        """`note` is told who logged in."""
        self._sessions, self._rendering, self._counters, self._attempts, self._note = sessions, rendering, counters, attempts, note

    def endpoints(self) -> list[Endpoint]:
        """The three of them."""
        return [
            Endpoint("GET", "/login", "nothing", "Log in by a link, or be asked for a token.", self._form),
            Endpoint("POST", "/login", "nothing", "Log in with a token.", self._by_token),
            Endpoint("POST", "/logout", "see", "Log out.", self._out),
        ]

    def _form(self, request: Request, _body: bytes) -> Response:
        """HEAD is no visit: what looks at links before a person does must not use one up."""
        link = request.query_params.get("token")
        if link is None or request.method == "HEAD":
            return self._page(200, "")
        if not self._attempts.may(_from(request)):
            return self._wait(request)
        return self._begun(request, self._sessions.by_link(link), "link")

    def _by_token(self, request: Request, body: bytes) -> Response:
        text = form_of(request, body).get("token", "").strip()
        if not self._attempts.may(_from(request)):
            return self._wait(request)
        return self._begun(request, self._sessions.by_token(text), "token")

    def _out(self, request: Request, _body: bytes) -> Response:
        if session := session_of(request):
            self._sessions.end(session)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(cookie_of(request), path="/", httponly=True, samesite="lax", secure=_is_secure(request))
        return response

    def _begun(self, request: Request, session: str | None, way: str) -> Response:
        who = self._sessions.who(session) if session else None
        if session is None or who is None:
            self._attempts.failed(_from(request))
            return self._refused(request, 401, _FAILED)
        self._counters.add("logins", reason=way)
        request.state.who, request.state.login = who, way
        self._note(who, request, b"", 303)
        response = RedirectResponse("/", 303)
        # Lax, since a link from a terminal or a chat is a visit from elsewhere, and what changes something needs a form's secret.
        response.set_cookie(cookie_of(request), session, httponly=True, samesite="lax", path="/", secure=_is_secure(request))
        return response

    def _wait(self, request: Request) -> Response:
        response = self._refused(request, 429, _TOO_OFTEN)
        response.headers["retry-after"] = str(WITHIN_US // MICROSECONDS)
        return response

    def _refused(self, request: Request, status: int, why: str) -> Response:
        self._counters.add("http_refused", reason="login")
        request.state.refused = "login"
        return self._page(status, why)

    def _page(self, status: int, trouble: str) -> Response:
        return Response(self._rendering.alone("login.html", trouble=trouble), status, media_type="text/html")


def _from(request: Request) -> str:
    return request.client.host if request.client else ""


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
