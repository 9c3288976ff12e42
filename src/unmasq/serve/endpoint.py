"""One thing that can be asked over HTTP: where, by whom, and what comes back. The table of all of them is all that there is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import Request

from unmasq.serve.kinds import Kind, text

Needs = Literal["nothing", "node", "see", "admin"]
"""What whoever asks must be allowed; `nothing` for what tells nothing."""

Ask = Callable[[Request, bytes], object]
"""Answers a request with a value or a response, in a thread of its own. Raises UnmasqError."""

Raw = Callable[[Request], Any]
"""Answers with a response, or what can be awaited for one, on the event loop. Raises UsageError."""

MAY: dict[str, frozenset[str]] = {
    "node": frozenset({"node"}),
    "see": frozenset({"see", "admin"}),
    "admin": frozenset({"admin"}),
}
"""What is needed -> the roles that have it."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a query string or path, as the description of the API has it."""

    name: str
    means: str
    kind: Kind = field(default_factory=text)
    many: bool = False
    place: Literal["query", "path"] = "query"
    required: bool = False


@dataclass(frozen=True)
class Endpoint:
    """`gives` is the type of the answer, None for pages and what else the description of the API leaves out.

    `raw` answers by itself and reads the body as it likes: a stream; else `ask` does.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    needs: Needs
    summary: str
    ask: Ask | None = None
    raw: Raw | None = None
    takes: Sequence[Parameter] = ()
    body: Any = None
    gives: Any = None

    @property
    def changes(self) -> bool:
        """Whether it changes something that somebody may want to know later."""
        return self.method != "GET" and self.needs == "admin"
