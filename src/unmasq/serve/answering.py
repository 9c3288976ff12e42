"""How a question is answered: every answer is JSON and ends with a newline; every error has one shape (`contract`)."""

import os
import traceback
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unmasq.base.errors import StoreBusy, UnmasqError, UsageError
from unmasq.serve.contract import ErrorBody, Problem, body_of, problem

MOST_BODY_BYTES = 1 << 20
"""A trust list with all ranges of a content delivery network is far shorter."""

Endpoint = Callable[[Request, bytes], object]


def application(routes: list[Route]) -> Starlette:
    """An app of some routes, whose errors are all alike."""
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused})


def answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint in a thread of its own, since a store waits for disks."""

    async def answer(request: Request) -> Response:
        body = await _body(request)
        return await run_in_threadpool(_answered, endpoint, request, body)

    return answer


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            raise HTTPException(413, f"its body is longer than {MOST_BODY_BYTES} bytes")
    return body


def _answered(endpoint: Endpoint, request: Request, body: bytes) -> Response:
    try:
        return _json(200, endpoint(request, body))
    except UnmasqError as error:
        return _json(_status(error), problem(error))
    except Exception:  # noqa: BLE001  # whoever asked gets a sentence, and the server goes on
        if os.environ.get("UNMASQ_DEBUG"):
            traceback.print_exc()
        return _json(500, ErrorBody(Problem("unmasq failed on this question", "this is a mistake in unmasq", "report it, please")))


def _status(error: UnmasqError) -> int:
    if isinstance(error, UsageError):
        return 422
    return 503 if isinstance(error, StoreBusy) else 500


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # Starlette's types cannot say which handler gets which error
    what = f"{request.method} {request.url.path} is refused"
    body = ErrorBody(Problem(what, str(error.detail), "GET /api/v1/flows, /api/v1/trace/ADDRESS, /api/v1/health or /api/v1/trust"))
    return _json(error.status_code, body)


def _json(status: int, answer: object) -> Response:
    return Response(body_of(answer), status, media_type="application/json")


def healthz(trouble: Callable[[], str | None] = lambda: None) -> Route:
    """Whether somebody answers at all, and is not in `trouble`. It needs no token, so that it does not tell in which."""

    def well(_request: Request, _body: bytes) -> object:
        if trouble() is not None:
            raise StoreBusy("flows cannot be taken", "this server failed at its own work", "it has said more where it was started")
        return {"status": "ok"}

    return Route("/healthz", answering(well))
