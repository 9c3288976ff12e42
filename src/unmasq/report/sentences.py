"""One address in sentences: its headline, the state of the data, and what stands below the paths. Not yet escaped."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from unmasq.base.moments import parse
from unmasq.find.answer import Seen, Trace
from unmasq.find.completeness import MOST_NAMED, named
from unmasq.keep.shapes import Health
from unmasq.model.completeness import Completeness
from unmasq.report.evidence import clients, look, near, own_name, stop
from unmasq.show import words


def teller_of(now_us: int, where: Sequence[str], *, utc: bool) -> "Teller":
    """Tells times in UTC or in the machine's own zone."""
    return Teller(now_us, UTC if utc else None, tuple(where))


@dataclass(frozen=True)
class Teller:
    """Who is told: the present, their time zone (None: the machine's own), and the flags that ask the same store."""

    now_us: int
    zone: tzinfo | None = UTC
    where: tuple[str, ...] = ()

    def headline(self, trace: Trace) -> str:
        """What the address is, in one sentence."""
        role = leading(trace)
        if role is None:
            return self._not_found(trace)
        return f"{_what(trace, role)}, {self._span(role)}{self._first_seen(trace)}"

    def _span(self, seen: Seen) -> str:
        if seen.last is None:
            return "at an unknown time"
        last_us = parse(seen.last, self.now_us)
        if seen.first is None:
            return f"read {words.time(last_us, self.zone)} from a log without times"
        return words.span(parse(seen.first, self.now_us), last_us, self.zone)

    def _first_seen(self, trace: Trace) -> str:
        return f", first seen {words.ago(parse(trace.first_seen, self.now_us), self.now_us)}" if trace.first_seen else ""

    def _not_found(self, trace: Trace) -> str:
        data = trace.data
        if data.oldest_us is None or data.newest_us is None:
            return "not seen: the store holds no flows yet"
        kept = f"{words.counted(data.flows, 'flow')} from {words.span(data.oldest_us, data.newest_us, self.zone)}"
        if trace.last_seen is None:
            return f"not seen in any header, as a source or as a client, in all that is kept: {kept}"
        seen = words.ago(parse(trace.last_seen, self.now_us), self.now_us)
        return f"not seen in this window, but outside of it: last seen {seen}; {kept} are kept"

    def data(self, data: Completeness | Health) -> str:
        """Whether the answer can be trusted: the figures of its window, or of all that is kept where somebody older answered."""
        rejected = sum(data.rejects.values())
        reasons = ", ".join(f"{words.count(count)} {reason}" for reason, count in data.rejects.items())
        newest = f"newest {words.ago(data.newest_us, self.now_us)}" if data.newest_us is not None else "nothing yet"
        joined = f"joined {words.percent(data.joined, data.requests)}" if data.joined else "none joined with the kernel"
        parts = [self._nodes(data), newest, joined]
        parts.append(f"rejected {words.count(rejected)}" + (f" ({reasons})" if rejected else ""))
        parts += _lost(data)
        parts.append(f"judged with trust list {data.trust_version}")
        older = (
            f"; {words.counted(data.judged_by_older, 'flow')} by an older one: {self.command('rejudge')}" if data.judged_by_older else ""
        )
        return "; ".join([", ".join(parts) + older, *_left_out(data)])

    def _nodes(self, data: Completeness | Health) -> str:
        """All of them, or how many are there, and who is silent; where all are, it is said of the newest flow."""
        silent = data.silent if isinstance(data, Completeness) else []
        if not silent or len(silent) == data.nodes:
            return words.counted(data.nodes, "node")
        there = f"{words.count(data.nodes - len(silent))} of {words.counted(data.nodes, 'node')}"
        return f"{there} ({named(silent, len(silent), self.zone)})"

    def next(self, trace: Trace) -> str:
        """The command that goes on from here."""
        if not trace.found:
            return self._nearest(trace)
        role = leading(trace)
        flag = "--client" if role is not None and role.role == "client" else "--any"
        return self.command("flows", flag, trace.address)

    def _nearest(self, trace: Trace) -> str:
        """Where something is known: outside of the window, else around the address, else anywhere."""
        if trace.last_seen is not None:
            return self.command("trace", trace.address)
        return self.command("trace", trace.near.range) if trace.near and trace.near.clients else self.command("flows")

    def command(self, *parts: str) -> str:
        """A command line that asks the same."""
        return shlex.join(["unmasq", *parts, *self.where])


def _left_out(data: Completeness | Health) -> list[str]:
    """What of the store no answer has."""
    return [", ".join(sorted(data.unreadable)) + " cannot be read"] if data.unreadable else []


def _lost(data: Completeness | Health) -> list[str]:
    """What was lost, and what cannot be written: nothing where all is well."""
    dropped = data.dropped if isinstance(data, Completeness) else {}
    lost = sum(count for counts in dropped.values() for count in counts.values())
    found = [f"dropped {words.count(lost)} on {', '.join(sorted(dropped)[:MOST_NAMED])}"] if lost else []
    return found + ([f"{words.counted(len(data.unwritten), 'day')} cannot be written"] if data.unwritten else [])


def doubts(trace: Trace) -> list[str]:
    """Why an address that was not found may have been there all the same; one sentence after the other on one line."""
    found = trace.completeness.doubts if trace.completeness and not trace.found else []
    return ["this may be incomplete: " + " ".join(found)] if found else []


def leading(trace: Trace) -> Seen | None:
    """The role that says most of the address: client, unless it mostly carries others."""
    roles = {seen.role: seen for seen in trace.roles}
    order = ["client", "nat_source", "source", "claim"]
    if "client" in roles and sum(part.requests for part in trace.carried) > roles["client"].requests:
        order.append(order.pop(0))
    return next((roles[name] for name in order if name in roles), None)


def _what(trace: Trace, seen: Seen) -> str:
    figures = f"{words.counted(seen.requests, 'request')} on {words.counted(seen.connections, 'connection')}"
    own = own_name(trace)
    if seen.role == "client":
        return f"client of {figures}"
    if seen.role == "claim" and not trace.carried:
        return f"only claimed, in {figures}"
    kind = f"your proxy {own}, source" if own else "source"
    return f"{kind} of {figures}, mostly for others" if seen.role != "claim" else f"proxy on the way of {figures}"


def rest(trace: Trace, teller: Teller) -> Iterator[tuple[str, list[str]]]:
    """What stands below the paths: a label and its sentences, none of them empty."""
    told = {
        "clients": [clients(trace)],
        "near": [near(trace)],
        "look at": look(trace),
        "stop it": stop(trace),
        "data": [teller.data(trace.completeness or trace.data), *doubts(trace)],
        "next": [teller.next(trace)],
    }
    for label, sentences in told.items():
        if any(sentences):
            yield label, sentences
