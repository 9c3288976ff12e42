"""Every request is counted by what it asked for and how it ended; the journal hears of those that an operator should see."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmasq.base.telemetry import Counters
from unmasq.serve.journal import Journal
from unmasq.serve.who import Who

NODES = ("/api/v1/batches", "/api/v1/node-settings")
OPERATIONS = ("/metrics", "/healthz", "/readyz")


class Accounting:
    """Around an app. Counts `http_requests` by class and status: `api 200`, `pages 404`.

    Neither a query nor a body gets into the journal: tokens may be in them.
    """

    def __init__(self, app: ASGIApp, counters: Counters, journal: Journal) -> None:
        self._app, self._counters, self._journal = app, counters, journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._ended(scope, state, message["status"])
            await send(message)

        await self._app(scope, receive, sending)

    def _ended(self, scope: Scope, state: dict[str, object], status: int) -> None:
        self._counters.add("http_requests", reason=f"{kind_of(scope['path'])} {status}")
        who, refused, login = state.get("who"), state.get("refused"), state.get("login")
        named = {"who": who.name, "role": who.role} if isinstance(who, Who) else {}
        asked = {"origin": (scope.get("client") or ("",))[0], "method": scope["method"], "path": scope["path"], "status": status}
        if login:
            self._journal.must("login", **named, **asked, way=login)
        elif refused:
            self._journal.say("refused", **named, **asked, reason=refused)
        elif status >= 500:
            self._journal.say("failed", **named, **asked)


def kind_of(path: str) -> str:
    """To which of a few classes a path belongs, whatever somebody asks for."""
    if path in NODES:
        return "nodes"
    if path in OPERATIONS:
        return "operations"
    if path.startswith("/api/"):
        return "api"
    if path.startswith("/static/"):
        return "static"
    return "login" if path in ("/login", "/logout") else "pages"
