"""The routes of nodes: batches in, settings out."""

import asyncio
from collections.abc import Callable
from hashlib import sha256

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from unmasq.base.errors import BatchRefused, BatchTooLarge, StoreBusy, UnmasqError
from unmasq.base.telemetry import Counters
from unmasq.model.flaws import LONGEST_NODE
from unmasq.model.nodesettings import NodeSaid, NodeSettings, bounded
from unmasq.serve import bodies
from unmasq.serve.bodies import received
from unmasq.serve.contract import ErrorBody, Problem, body_of, problem
from unmasq.serve.endpoint import Endpoint
from unmasq.serve.ingest import Ingest

MOST_BODY_BYTES = 64 << 20
MOST_SAID_BYTES = 256 << 10
MOST_AT_ONCE = 16
"""Bodies that are received at the same time; each may take MOST_BODY_BYTES."""

_BUSY_SECONDS = "2"


class Stored(Struct, frozen=True):
    """The batch of this id is on disk."""

    id: str


class Receiving:
    """What nodes ask. Counts `ingest_refused`: `slow`, a body that did not come in time, and `crowded`, one too many at once."""

    def __init__(self, ingest: Ingest, settings: Callable[[], NodeSettings], hear: Callable[[NodeSaid], None], counters: Counters) -> None:
        """`hear` is told what nodes say of themselves."""
        self._ingest, self._settings, self._hear = ingest, settings, hear
        self._counters, self._inside = counters, 0

    def endpoints(self) -> list[Endpoint]:
        """What a node needs."""
        settings = "/api/v1/node-settings"
        return [
            Endpoint("POST", "/api/v1/batches", "node", "Take a batch of flows; 200 when it is on disk.", raw=self.batches),
            Endpoint("GET", settings, "node", "What a node must know.", raw=self._settings_of),
            Endpoint("POST", settings, "node", "What a node says of itself.", raw=self.node_said),
        ]

    async def _settings_of(self, request: Request) -> Response:
        return await run_in_threadpool(self.node_settings, request)

    async def batches(self, request: Request) -> Response:
        """POST /api/v1/batches with a batch as `model.wire` makes it: 200 when it is on disk."""
        if self._inside >= MOST_AT_ONCE:
            self._counters.add("ingest_refused", reason="crowded")
            return _failed(StoreBusy("too many batches come at once", f"{MOST_AT_ONCE} are being received", "send it again later"))
        self._inside += 1
        try:
            done = await run_in_threadpool(self._ingest.take, await received(request, MOST_BODY_BYTES))
            stored = await asyncio.wrap_future(done)
        except TimeoutError:
            self._counters.add("ingest_refused", reason="slow")
            return _too_slow()
        except UnmasqError as error:
            return _failed(error)
        finally:
            self._inside -= 1
        return _json(200, body_of(Stored(str(stored))))

    async def node_said(self, request: Request) -> Response:
        """POST /api/v1/node-settings with what a node says of itself, answered as GET."""
        try:
            said = said_in(await received(request, MOST_SAID_BYTES))
            await run_in_threadpool(self._hear, said)
        except TimeoutError:
            return _too_slow()
        except UnmasqError as error:
            return _failed(error)
        return await run_in_threadpool(self.node_settings, request)

    def node_settings(self, request: Request) -> Response:
        """GET /api/v1/node-settings; 304 where the node has them already."""
        body = msgspec.json.encode(self._settings()) + b"\n"
        tag = f'"{sha256(body).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        return _json(200, body, {"etag": tag})


def said_in(body: bytes) -> NodeSaid:
    """What a node says of itself. Raises BatchRefused."""
    try:
        said = msgspec.json.decode(body, type=NodeSaid)
    except msgspec.MsgspecError as error:
        raise BatchRefused("what a node says of itself makes no sense", str(error), "upgrade the older of node and server") from None
    if not 0 < len(said.node) <= LONGEST_NODE:
        why = f"a node's name has 1 to {LONGEST_NODE} characters, not {len(said.node)}"
        raise BatchRefused("what a node says of itself makes no sense", why, "give it another name with --node")
    return bounded(said)


def _too_slow() -> Response:
    """What was not read yet of the body is not waited for."""
    why = f"a body may take {bodies.PATIENCE_SECONDS:g} s, and longer at {bodies.LEAST_RATE:,} bytes a second"
    body = body_of(ErrorBody(Problem("the batch came too slowly", why, "send it again, over a better way")))
    return _json(408, body, {"connection": "close"})


def _failed(error: UnmasqError) -> Response:
    status = 413 if isinstance(error, BatchTooLarge) else 422 if isinstance(error, BatchRefused) else 503
    return _json(status, body_of(problem(error)), {"retry-after": _BUSY_SECONDS} if status == 503 else {})


def _json(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, media_type="application/json")
