"""Who may ask what: an endpoint says what is needed, a gate looks at who asks.

A browser sends its cookie with whatever page makes it ask, so that what changes something needs the secret of a form of ours,
too, and must come from our own pages.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request

from unmasq.base.errors import UnmasqError
from unmasq.base.telemetry import Counters
from unmasq.serve.endpoint import MAY, Endpoint
from unmasq.serve.who import Sessions, Who, is_unmasked

COOKIE = "unmasq_session"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""Over TLS: browsers take one of this name from nobody but this very host, and only over TLS."""
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 100
"""Of a form; ours have few."""

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:@/\\]+)(:[0-9]{1,5})?")

FindToken = Callable[[str], Who | None]
"""Whoever has a token of this text."""


class Refused(Exception):
    """Status, a word for counting, why, and what to do."""

    def __init__(self, status: int, reason: str, why: str, next_step: str) -> None:
        super().__init__(why)
        self.status, self.reason, self.why, self.next_step = status, reason, why, next_step


class Gate(Protocol):
    """Lets whoever asks through, or raises Refused."""

    def who(self, request: Request, endpoint: Endpoint) -> Who:
        """Who asks, if they may."""
        ...

    def check_intent(self, request: Request, endpoint: Endpoint, who: Who, body: bytes) -> None:
        """That whoever asks means to change something, and no page elsewhere does."""
        ...


class OpenGate:
    """Of a socket in a folder: whoever may enter that may do everything."""

    def who(self, _request: Request, _endpoint: Endpoint) -> Who:
        return Who("owner's socket", "admin")

    def check_intent(self, _request: Request, _endpoint: Endpoint, _who: Who, _body: bytes) -> None:
        return None


class HostGate(OpenGate):
    """Of a port where nobody needs a token: it must be called by its own name. Counts `http_refused` by reason."""

    def __init__(self, hosts: "Hosts", counters: Counters) -> None:
        self._hosts, self._counters = hosts, counters

    def who(self, request: Request, _endpoint: Endpoint) -> Who:
        _check_host(request.headers, self._hosts, self._counters)
        return Who("", "")


class Doorkeeper:
    """Of a port that others may reach. Counts `http_refused` by reason."""

    def __init__(self, hosts: "Hosts", find: FindToken, sessions: Sessions, counters: Counters) -> None:
        self._hosts, self._find, self._sessions, self._counters = hosts, find, sessions, counters

    def who(self, request: Request, endpoint: Endpoint) -> Who:
        _check_host(request.headers, self._hosts, self._counters)
        try:
            return self._let_in(request, endpoint)
        except Refused as refused:
            self._counters.add("http_refused", reason=refused.reason)
            raise

    def check_intent(self, request: Request, endpoint: Endpoint, who: Who, body: bytes) -> None:
        if endpoint.method == "GET" or not (who.csrf or endpoint.needs == "nothing"):
            return
        has_secret = endpoint.needs == "nothing" or is_unmasked(_secret(request, body), who.csrf)  # whoever logs in has none yet
        if not (_is_from_here(request.headers) and has_secret):
            self._counters.add("http_refused", reason="csrf")
            raise Refused(403, "csrf", "it does not come from a form of these pages", "load the page again, and send it from there")

    def _let_in(self, request: Request, endpoint: Endpoint) -> Who:
        if endpoint.needs == "nothing":
            return self._known(request) or Who("", "")
        who = self._known(request)
        if who is None:
            next_step = "send Authorization: Bearer TOKEN; unmasq token add makes one"
            raise Refused(401, "token", "it shows no token that is known", next_step)
        if who.role not in MAY[endpoint.needs]:
            why = f"its token is for {who.role}, not for {endpoint.needs}"
            raise Refused(403, "role", why, f"unmasq token add NAME --role {endpoint.needs} --store DIR")
        return who

    def _known(self, request: Request) -> Who | None:
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        try:
            if kind:
                return self._find(text.strip()) if kind.lower() == "bearer" else None
            return self._sessions.who(session) if (session := session_of(request)) else None
        except UnmasqError as error:
            raise Refused(503, "tokens", error.what, error.next_step) from None


class Hosts:
    """The names by which a server may be called: a page elsewhere whose name was made to point here is none of them.

    An address is always right, since no page can have one that is not its own.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        own = ("localhost", socket.gethostname(), socket.getfqdn())
        self._names = {name.lower().rstrip(".") for name in (*own, *names)}

    def __contains__(self, header: object) -> bool:
        said = _HOST.fullmatch(str(header).lower())
        name = said[1].strip("[]") if said else ""
        return name.rstrip(".") in self._names or _is_address(name)


def _check_host(headers: Headers, hosts: Hosts, counters: Counters) -> None:
    if headers.get("host", "") not in hosts:
        counters.add("http_refused", reason="host")
        raise Refused(400, "host", "no server of that name is here", "call it by an address, or name it: --host NAME")


def cookie_of(request: Request) -> str:
    """What the cookie of a session is called where it was asked."""
    return SECURE_COOKIE if request.url.scheme == "https" else COOKIE


def session_of(request: Request) -> str | None:
    """What the cookie of a browser says."""
    return request.cookies.get(cookie_of(request))


def form_of(request: Request, body: bytes) -> dict[str, str]:
    """The fields of a form; of one that comes twice the last. A form of more fields than any of ours has none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return {}
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}


def _secret(request: Request, body: bytes) -> str:
    return request.headers.get(CSRF_HEADER) or form_of(request, body).get(CSRF_FIELD, "")


def _is_from_here(headers: Headers) -> bool:
    """What a browser says of the page that asks; programs say nothing."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or origin.lower().partition("://")[2] == headers.get("host", "").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
