"""How an endpoint becomes a route: whoever asks is looked at, the answer comes from a thread, and every error has one shape."""

import os
import traceback
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from unmasq.base.errors import BatchTooLarge, StoreBusy, UnmasqError, UsageError
from unmasq.serve.bodies import received
from unmasq.serve.contract import ErrorBody, Problem, body_of, problem
from unmasq.serve.endpoint import Endpoint, Raw
from unmasq.serve.forms import formed
from unmasq.serve.gate import Gate, Refused
from unmasq.serve.who import Who

MOST_BODY_BYTES = 1 << 20
"""A trust list with all ranges of a content delivery network is far shorter."""

_ANYTHING = Endpoint("GET", "/", "see", "What is not there.")

_TELLING = (404, 405)
"""What says which paths and methods there are: a stranger is not told."""

Told = Callable[[Request, ErrorBody, int], Response]
"""An error as a response."""


class Noting(Protocol):
    """Is told what somebody changed, or tried to."""

    def __call__(self, who: Who, request: Request, body: bytes, status: int, /) -> None: ...


def as_json(_request: Request, body: ErrorBody, status: int) -> Response:
    """An error as programs want it."""
    return Response(body_of(body), status, media_type="application/json")


def nothing_noted(_who: Who, _request: Request, _body: bytes, _status: int) -> None:
    """Where nothing can be changed."""


class Answering:
    """Makes an app of a table of endpoints."""

    def __init__(self, gate: Gate, note: Noting, told: Told = as_json) -> None:
        self._gate, self._note, self._told = gate, note, told

    def app(self, table: Iterable[Endpoint]) -> Starlette:
        """An app of the endpoints, whose errors are all alike. Two methods of one path are one route, so that others are told which."""
        by_path: dict[str, list[Endpoint]] = {}
        for endpoint in table:
            by_path.setdefault(endpoint.path, []).append(endpoint)
        routes = [
            Route(path, self._of_methods({each.method: each for each in same}), methods=[each.method for each in same])
            for path, same in by_path.items()
        ]
        app = Starlette(routes=routes, exception_handlers={HTTPException: self._refused})
        app.router.redirect_slashes = False  # it would answer strangers, too, and say what there is
        return app

    def _of_methods(self, endpoints: dict[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await self._answer(request, endpoints["GET" if request.method == "HEAD" else request.method])

        return answer

    async def _answer(self, request: Request, endpoint: Endpoint) -> Response:
        try:
            who = self._gate.who(request, endpoint)
            request.state.who = who
            if endpoint.raw:
                return await self._raw(endpoint.raw, request, endpoint)
            body = await _body(request)
            self._gate.check_intent(request, endpoint, who, body)
        except Refused as refused:
            return self._not_let_in(request, refused)
        except UsageError as error:
            return self._told(request, problem(error), 422)
        response = await run_in_threadpool(self._answered, endpoint, request, body)
        if endpoint.changes:
            await run_in_threadpool(self._note, who, request, body, response.status_code)
        return response

    async def _raw(self, answer: Raw, request: Request, endpoint: Endpoint) -> Response:
        try:
            return self._as_long_as_let_in(await _awaited(answer(request)), request, endpoint)
        except (UsageError, HTTPException, ClientDisconnect):
            raise
        except Exception as error:  # noqa: BLE001  # as in `_answered`
            return self._failed(request, error)

    def _as_long_as_let_in(self, response: Response, request: Request, endpoint: Endpoint) -> Response:
        """A stream may last for days: before each part of it is sent whoever reads it is looked at again."""
        parts = getattr(response, "body_iterator", None)
        if parts is not None:
            response.body_iterator = self._parts(parts, request, endpoint)  # type: ignore[attr-defined]  # of all streams of Starlette
        return response

    async def _parts(self, parts: AsyncIterable[Any], request: Request, endpoint: Endpoint) -> AsyncIterator[Any]:
        async for part in parts:
            try:
                self._gate.who(request, endpoint)
            except Refused:
                return
            yield part

    def _answered(self, endpoint: Endpoint, request: Request, body: bytes) -> Response:
        try:
            answer = endpoint.ask(request, body) if endpoint.ask else None
            return answer if isinstance(answer, Response) else formed(answer, request)
        except Exception as error:  # noqa: BLE001  # whoever asked gets a sentence, and the server goes on
            return self._failed(request, error)

    def _failed(self, request: Request, error: Exception) -> Response:
        if isinstance(error, UnmasqError):
            return self._told(request, problem(error), _status(error))
        if os.environ.get("UNMASQ_DEBUG"):
            traceback.print_exception(error)
        mistake = Problem("unmasq failed on this question", "this is a mistake in unmasq", "report it, please")
        return self._told(request, ErrorBody(mistake), 500)

    def _not_let_in(self, request: Request, refused: Refused) -> Response:
        request.state.refused = refused.reason
        body = ErrorBody(Problem("the request is refused", refused.why, refused.next_step))
        response = self._told(request, body, refused.status)
        if response.status_code == 401:
            response.headers["www-authenticate"] = "Bearer"
        return response

    async def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  # Starlette's types cannot say which handler gets which error
        if error.status_code in _TELLING:
            try:
                self._gate.who(request, _ANYTHING)
            except Refused as refused:
                if refused.status != 403:
                    return self._not_let_in(request, refused)
        what = f"{request.method} {request.url.path} is refused"
        response = self._told(
            request, ErrorBody(Problem(what, str(error.detail), "GET /api/v1/openapi.json lists what there is")), error.status_code
        )
        response.headers.update(error.headers or {})
        return response


async def _awaited(answer: object) -> Response:
    response = await answer if isinstance(answer, Awaitable) else answer
    assert isinstance(response, Response)  # noqa: S101  # of a raw endpoint, by its type
    return response


async def _body(request: Request) -> bytes:
    try:
        return await received(request, MOST_BODY_BYTES)
    except BatchTooLarge as error:
        raise HTTPException(413, error.why) from None
    except TimeoutError:
        raise HTTPException(408, "its body came too slowly", {"connection": "close"}) from None


def _status(error: UnmasqError) -> int:
    if isinstance(error, UsageError):
        return 422
    return 503 if isinstance(error, StoreBusy) else 500
