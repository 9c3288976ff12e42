"""`unmasq flows`: list flows, or follow them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from unmasq.base.clock import SystemClock
from unmasq.base.errors import UsageError
from unmasq.cli import output as out
from unmasq.cli.ending import Exit
from unmasq.cli.filters import EVERY_FLOW, FILTERS, Flags
from unmasq.cli.flags import ExitCodeFlag, UtcFlag
from unmasq.cli.where import NOWHERE, Where

if TYPE_CHECKING:
    from unmasq.keep.shapes import FlowPage


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a list of flows looks like."""

    output: Annotated[Literal["table", "wide", "json", "jsonl", "csv"], Parameter(alias="-o")] = "table"
    """A table, a wide one, JSON as the API has it ({"flows": [...], "next": ...}), a flow a line, or CSV."""
    columns: str | None = None
    """Columns of the table or CSV, with commas between them."""
    headers: Annotated[bool, Parameter(negative="--no-headers")] = True
    """The line with the names of the columns."""
    utc: UtcFlag = False


USUAL = Look()

_FOLLOWED = "Go on and show each flow when it is first seen, in JSON lines again when it is closed. Ends with Ctrl-C."
FollowFlag = Annotated[bool, Parameter(name=("--follow", "-f"), help=_FOLLOWED)]


def flows(
    *,
    where: Where = NOWHERE,
    wanted: Annotated[Flags, Parameter(name="*", group=FILTERS)] = EVERY_FLOW,
    look: Annotated[Look, Parameter(name="*")] = USUAL,
    limit: int = 100,
    after: str | None = None,
    follow: FollowFlag = False,
    exit_code: ExitCodeFlag = False,
) -> int:
    """List flows, newest first; or follow them as they come.

    Parameters
    ----------
    limit:
        Flows on one page; fewer where they have very many paths.
    after:
        The key of the page before: its `next`.
    """
    from unmasq.cli.flows_output import printer_of
    from unmasq.cli.follow import follow_flows
    from unmasq.keep.ask.predicate import compiled

    if follow and look.output == "json":
        raise UsageError("json is one document", "what is followed has no end", "use -o jsonl")
    clock, filtered = SystemClock(), wanted.filter()
    compiled(filtered)  # a filter that cannot be is refused before any store is looked for
    printer = printer_of(look.output, look.columns, headers=look.headers, utc=look.utc)
    where.check("flows")
    with where.asked() as backend:
        if follow:
            follow_flows(backend, filtered, printer, clock, limit)
        page = backend.flows(filtered, limit, after)
    printer.page(page)
    _note(page, look.output)
    return Exit.NOTHING_FOUND if exit_code and not page.flows else Exit.DONE


def _note(page: "FlowPage", output: str) -> None:
    """What stands beside the page: that there is more, that there is nothing, and what may be missing; JSON has two of them in it."""
    if page.next and output != "json":
        out.note(f"{len(page.flows)} flows; there are more behind --after {page.next}")
    if not page.flows:
        out.note("no flow of this filter")
    if output != "json":
        out.doubts(page)
