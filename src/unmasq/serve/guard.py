"""Who may ask a server that others can reach: who calls it by its own name, and shows a token."""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Mapping

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from unmasq.base.errors import UnmasqError
from unmasq.base.telemetry import Counters
from unmasq.serve.contract import ErrorBody, Problem, body_of

OPEN = ("/healthz",)
"""Paths that need no token: they tell nothing."""

Uses = Callable[[str], str | None]
"""What a token is good for; None for one that is not known."""


class Hosts:
    """The names by which a server may be called: a page elsewhere whose name was made to point here is none of them.

    An address is always right, since no page can have one that is not its own.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        own = ("localhost", socket.gethostname(), socket.getfqdn())
        self._names = {name.lower().rstrip(".") for name in (*own, *names)}

    def __contains__(self, header: object) -> bool:
        host = str(header).lower()
        name = host[1 : host.find("]")] if host.startswith("[") else host.rpartition(":")[0] or host
        return name.rstrip(".") in self._names or _is_address(name)


class Guard:
    """Lets requests through to an app, or answers 400, 401 or 403; counts `http_refused` by reason."""

    def __init__(self, app: ASGIApp, hosts: Hosts, uses: Uses | None, needed: Mapping[str, str], counters: Counters) -> None:
        """`needed`: what a token must be good for on a path, `read` on all others. Without `uses` nobody needs a token."""
        self._app, self._hosts, self._uses, self._needed, self._counters = app, hosts, uses, needed, counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.get("host", "") not in self._hosts:
            return self._refused(
                400, "host", "no server of that name is here", "call it by an address, or name it: unmasq serve --host NAME"
            )
        if self._uses is None or scope["path"] in OPEN:
            return None
        kind, _, token = headers.get("authorization", "").partition(" ")
        try:
            use = self._uses(token.strip()) if kind.lower() == "bearer" else None
        except UnmasqError as error:
            return self._refused(503, "tokens", error.what, error.next_step)
        if use is None:
            return self._refused(
                401, "token", "it shows no token that is known", "send Authorization: Bearer TOKEN; unmasq token makes one"
            )
        needed = self._needed.get(scope["path"], "read")
        if use != needed:
            return self._refused(
                403, "use", f"its token is for {use}, not for {needed}", f"unmasq token create NAME --use {needed} --store DIR"
            )
        return None

    def _refused(self, status: int, reason: str, why: str, next_step: str) -> Response:
        self._counters.add("http_refused", reason=reason)
        body = body_of(ErrorBody(Problem("the request is refused", why, next_step)))
        headers = {"www-authenticate": "Bearer"} if status == 401 else {}
        return Response(body, status, headers, media_type="application/json")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
