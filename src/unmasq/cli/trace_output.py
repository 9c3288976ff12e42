"""What is known of addresses, in the form that was asked for."""

import csv
import sys
from collections.abc import Iterable, Iterator

from unmasq.cli import output as out
from unmasq.find.answer import Trace
from unmasq.report.sentences import Teller
from unmasq.serve.contract import body_of

COLUMNS = (
    "address",
    "found",
    "client_requests",
    "client_connections",
    "direct",
    "forwarded",
    "logged",
    "carried",
    "only_claimed",
    "unlisted",
    "first_seen",
    "last_seen",
)


class Printer:
    """Prints answers one after the other, as they come. With `several`, each is one line."""

    def __init__(self, form: str, teller: Teller, *, several: bool) -> None:
        self._form, self._teller, self._several = form, teller, several

    def show(self, traces: Iterable[Trace]) -> int:
        """Print them all; returns how many were found."""
        found = 0
        shown = {"json": self._json, "jsonl": self._jsonl, "csv": self._csv, "md": self._markdown, "table": self._table}[self._form]
        last: Trace | None = None
        for trace in shown(traces):
            found, last = found + trace.found, trace
        if last and self._has_no_room_for_doubts:
            out.doubts(last)
        return found

    @property
    def _has_no_room_for_doubts(self) -> bool:
        """Where an address is one line, what may be missing is said once, of all of them: their window is the same."""
        return self._form == "csv" or (self._several and self._form in ("table", "md"))

    def _json(self, traces: Iterable[Trace]) -> Iterator[Trace]:
        known = list(traces)
        out.write(body_of({"traces": known} if self._several else known[0]))
        yield from known

    def _jsonl(self, traces: Iterable[Trace]) -> Iterator[Trace]:
        for trace in traces:
            out.write(body_of(trace))
            yield trace

    def _csv(self, traces: Iterable[Trace]) -> Iterator[Trace]:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        for trace in traces:
            writer.writerow(_row(trace))
            yield trace

    def _markdown(self, traces: Iterable[Trace]) -> Iterator[Trace]:
        from unmasq.report import markdown

        write = markdown.short if self._several else markdown.lines
        for trace in traces:
            print("\n".join(write(trace, self._teller)))
            yield trace

    def _table(self, traces: Iterable[Trace]) -> Iterator[Trace]:
        from unmasq.cli import trace_text

        write = trace_text.short if self._several else trace_text.lines
        for trace in traces:
            for line in write(trace, self._teller):
                print(line)
            yield trace


def _row(trace: Trace) -> tuple[object, ...]:
    """One line of numbers; addresses and times cannot be formulas."""
    client = next((seen for seen in trace.roles if seen.role == "client"), None)
    sums = (sum(part.requests for part in parts) for parts in (trace.direct, trace.forwarded))
    rest = (sum(part.requests for part in parts) for parts in (trace.carried, trace.claimed))
    figures = (client.requests, client.connections) if client else (0, 0)
    found = "yes" if trace.found else "no"
    return (trace.address, found, *figures, *sums, trace.logged, *rest, trace.unlisted, trace.first_seen or "", trace.last_seen or "")
