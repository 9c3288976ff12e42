"""A node's server over HTTP: the only module of a node that sends flows anywhere.

Whatever a server, or something between it and us, may answer becomes one of a few outcomes with a sentence for a person.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx2
import msgspec
from msgspec import Struct

from unmasq import __version__
from unmasq.base.errors import UsageError
from unmasq.base.safe import shortened, terminal
from unmasq.base.servers import checked_url, trusted
from unmasq.model.nodesettings import NodeSaid, NodeSettings

_MOST_ANSWER_BYTES = 1 << 20
_LONGEST_WAIT_SECONDS = 300.0
_CONNECT_SECONDS = 10.0
_SETTINGS_SECONDS = 10.0  # batches wait meanwhile, and the answer is small


class Kind(Enum):
    """What became of a request."""

    DONE = "done"
    UNCHANGED = "unchanged"
    TOO_LARGE = "too_large"
    """Nobody will ever take so much at once."""
    REFUSED = "refused"
    """The server does not take this batch, whatever it does with others."""
    BUSY = "busy"
    """The server took nothing, and asked to wait."""
    BARRED = "barred"
    """Nobody is there, or nobody lets us in: it is no matter of what was sent."""
    FAILED = "failed"
    """Nothing that can be relied upon was answered; the server may have the batch all the same, and may take others."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a request; `why` is for people, `reason` for counters."""

    kind: Kind
    reason: str = ""
    why: str = ""
    wait_seconds: float = 0
    settings: NodeSettings | None = None
    tag: str = ""

    @property
    def is_not_taken(self) -> bool:
        """Whether it is certain that the server does not have what was sent."""
        return self.kind in (Kind.TOO_LARGE, Kind.REFUSED, Kind.BUSY)


class _Stored(Struct):
    id: UUID


class _Problem(Struct):
    what: str = ""
    why: str = ""


class _Refusal(Struct):
    error: _Problem


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: httpx2.Headers
    body: bytes


class Upstream:
    """One server. Nothing is waited for longer than `deadline_seconds`, nor for the rest of an answer that comes slowly."""

    def __init__(
        self, url: str, token: Callable[[], str], ca: Path | None = None, *, insecure: bool = False, deadline_seconds: float = 60
    ) -> None:
        """`token` is asked before each request. Raises UsageError as `checked_url` does, and for what is no file of certificates."""
        self.url, self._token, self._deadline_seconds = checked_url(url, insecure=insecure), token, deadline_seconds
        # No proxy of the environment comes between a node and its server.
        self._client = httpx2.Client(
            base_url=self.url,
            verify=trusted(ca),
            trust_env=False,
            headers={"accept-encoding": "identity", "user-agent": f"unmasq-node/{__version__}"},
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, batch: UUID, body: bytes) -> Outcome:
        """POST a batch; DONE only where the server itself says that it has this very batch."""
        answer = self._asked("POST", "api/v1/batches", self._deadline_seconds, content=body)
        if isinstance(answer, Outcome):
            return answer
        if answer.status != 200:
            return _outcome(answer)
        try:
            stored = msgspec.json.decode(answer.body, type=_Stored).id
        except msgspec.MsgspecError:
            return _foreign(answer)
        if stored != batch:
            return Outcome(Kind.FAILED, "foreign", "the server answered for another batch")
        return Outcome(Kind.DONE)

    def settings(self, tag: str, said: NodeSaid | None = None) -> Outcome:
        """What nodes are told; UNCHANGED where `tag` stands for what the server would say. `said` tells it of this node."""
        headers, path = {"if-none-match": tag} if tag else {}, "api/v1/node-settings"
        deadline_seconds = min(_SETTINGS_SECONDS, self._deadline_seconds)
        if said is None:
            answer = self._asked("GET", path, deadline_seconds, headers=headers)
        else:
            answer = self._asked("POST", path, deadline_seconds, headers=headers, content=msgspec.json.encode(said))
        if isinstance(answer, Outcome):
            return answer
        if answer.status == 304:
            return Outcome(Kind.UNCHANGED)
        if answer.status != 200:
            return _outcome(answer)
        try:
            told = msgspec.json.decode(answer.body, type=NodeSettings)
        except msgspec.MsgspecError:
            return _foreign(answer)
        return Outcome(Kind.DONE, settings=told, tag=answer.headers.get("etag", ""))

    def _asked(self, method: str, path: str, seconds: float, headers: dict[str, str] | None = None, **how: Any) -> _Answer | Outcome:
        timeout = httpx2.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds))
        try:
            authorization = {"authorization": f"Bearer {self._token()}"}
            with self._client.stream(method, path, headers={**(headers or {}), **authorization}, timeout=timeout, **how) as response:
                return _Answer(response.status_code, response.headers, _read(response, seconds))
        except UsageError as error:
            return Outcome(Kind.BARRED, "token", f"{error.what}: {error.why}")
        except httpx2.TimeoutException as error:
            return Outcome(_kind_of(error), "late", f"no answer in time ({type(error).__name__})")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return Outcome(_kind_of(error), "unreachable", f"the server cannot be reached: {_words(str(error) or type(error).__name__)}")


def _kind_of(error: Exception) -> Kind:
    """Where nobody was there nothing was sent; who was there and went silent may have been undone by what was."""
    return Kind.BARRED if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout)) else Kind.FAILED


def _read(response: httpx2.Response, seconds: float) -> bytes:
    """The body, within a deadline and a bound."""
    end, body = time.monotonic() + seconds, bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if time.monotonic() > end:
            raise httpx2.ReadTimeout("it comes too slowly")
        if len(body) > _MOST_ANSWER_BYTES:
            break
    return bytes(body)


def _outcome(answer: _Answer) -> Outcome:
    """What an answer that is not 200 means."""
    why = f"the server answered {answer.status}{_said(answer)}"
    if answer.status == 413:
        return Outcome(Kind.TOO_LARGE, "too_large", why)
    if answer.status == 422:
        return Outcome(Kind.REFUSED, "422", why)
    if answer.status == 429:
        return Outcome(Kind.BUSY, "429", why, wait_seconds=_wait_seconds(answer))
    if answer.status in (401, 403):
        return Outcome(Kind.BARRED, str(answer.status), f"{why}; is the token right, and is it for nodes?")
    return Outcome(Kind.FAILED, str(answer.status), why, wait_seconds=_wait_seconds(answer))


def _foreign(answer: _Answer) -> Outcome:
    kind = answer.headers.get("content-type", "no type")
    return Outcome(Kind.FAILED, "foreign", f"an answer {answer.status} of {_words(kind)} is none of unmasq serve; is something in between?")


def _said(answer: _Answer) -> str:
    """What the server says of it, where it is ours."""
    try:
        error = msgspec.json.decode(answer.body, type=_Refusal).error
    except msgspec.MsgspecError:
        return f" with {_words(answer.headers.get('content-type', 'no type'))}, which is none of unmasq serve"
    return f": {_words(error.what)}, {_words(error.why)}"


def _words(text: str) -> str:
    return shortened(terminal(text), 200)


def _wait_seconds(answer: _Answer) -> float:
    told = answer.headers.get("retry-after", "")
    return min(float(told), _LONGEST_WAIT_SECONDS) if told.isascii() and told.isdigit() and len(told) < 10 else 0
