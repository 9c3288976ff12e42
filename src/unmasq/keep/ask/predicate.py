"""A FlowFilter as SQL: conditions with named parameters, never with values in their text.

Conditions on chains (client, claim, original source, evidence, host, path, status, service, header, via) must hold for one
and the same chain of a flow, which nothing that is left out may be true of; `any` for that chain or its flow. Without such
conditions `any` and `flag` ask the flow, with all its chains or none. What is only left out leaves in what has no chain.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from unmasq.base.errors import UsageError
from unmasq.keep.ask.conditions import OF_FLOWS, ON_CHAINS, ON_FLOWS, Bound, flags, in_index
from unmasq.keep.ask.exclusion import left_out
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Role

MOST_VALUES = 200
"""Of one field of a filter: more of them are a question that no index answers."""

_IN_INDEX = {
    "source": Role.SOURCE,
    "nat_source": Role.NAT_SOURCE,
    "client": Role.CLIENT,
    "claim": Role.CLAIM,
    "original_source": Role.ORIGINAL_SOURCE,
    "any": None,
}


@dataclass
class Predicate(Bound):
    """Conditions on `f` (flows) and `c` (chains) of the source `day`, and the values of their parameters."""

    flow: list[str] = field(default_factory=list)
    chain: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    """Of chains, that something is left out; flows without chains are let through by it."""
    of_either: list[tuple[str, str]] = field(default_factory=list)
    """A condition on the flow, with all its chains, and the same on one chain or its flow."""

    @property
    def speaks_of_chains(self) -> bool:
        """Whether it takes some chains of a flow and not others."""
        return bool(self.chain or self.without)

    def flows(self) -> str:
        """The condition on a flow `f`."""
        whole = [*self.flow, "f.flow < BELOW"]
        alone = [flow for flow, _ in self.of_either]
        if not self.speaks_of_chains:
            return " AND ".join(whole + alone)
        matching = f"f.flow IN (SELECT c.flow FROM day.chains c WHERE {self.chains()})"
        if not self.chain:
            matching = f"({' AND '.join(['f.requests = 0', *alone])} OR {matching})"
        return " AND ".join([*whole, matching])

    def chains(self) -> str:
        """The condition on a chain `c` of such a flow."""
        if not self.speaks_of_chains:
            return "true"
        return " AND ".join([*self.chain, *(chain for _, chain in self.of_either), *self.without])


def compiled(wanted: FlowFilter) -> Predicate:
    """The filter as conditions. Raises UsageError for a value that no flow can have, and for too many."""
    excluded = left_out(wanted.exclude)
    for each in (wanted, excluded):
        _bounded(each)
    made = Predicate()
    _time(made, wanted)
    made.flow += [condition(made, values) for condition, values in _conditions(ON_FLOWS, wanted)]
    made.chain += [condition(made, values) for condition, values in _conditions(ON_CHAINS, wanted)]
    _of_either(made, wanted)
    made.flow += [f"NOT {condition(made, values)}" for condition, values in _conditions(ON_FLOWS, excluded)]
    made.without += [f"NOT {condition(made, values)}" for condition, values in _conditions(ON_CHAINS, excluded)]
    _of_neither(made, excluded)
    return made


def index_needs(wanted: FlowFilter) -> list[tuple[str, dict[str, Any]]]:
    """Questions to the address index, with their values; a source that answers one of them with nothing has no such flow."""
    needs = []
    for name, role in _IN_INDEX.items():
        if getattr(wanted, name):
            made = Bound()
            needs.append((f"SELECT a.flow {in_index(made, getattr(wanted, name), role)} LIMIT 1", made.values))
    return needs


def _bounded(wanted: FlowFilter) -> None:
    for name in (f.name for f in fields(FlowFilter) if not f.name.endswith("_us")):
        count = len(getattr(wanted, name))
        if count > MOST_VALUES:
            raise UsageError(f"{count} values of {name}", f"a filter takes at most {MOST_VALUES}", "name a range, or ask several times")


def _conditions(of: Any, wanted: FlowFilter) -> Iterable[tuple[Any, Any]]:
    return ((condition, getattr(wanted, name)) for name, condition in of.items() if getattr(wanted, name))


def _time(made: Predicate, wanted: FlowFilter) -> None:
    if wanted.since_us is not None:
        made.flow.append(f"f.last_us >= {made.bind(wanted.since_us)}")
    if wanted.until_us is not None:
        made.flow.append(f"f.first_us < {made.bind(wanted.until_us)}")


def _of_either(made: Predicate, wanted: FlowFilter) -> None:
    if wanted.any:
        rows = in_index(made, wanted.any)
        of_chain = f"(c.chain IN (SELECT a.chain {rows}) OR c.flow IN (SELECT a.flow {rows} AND a.chain < 0))"
        made.of_either.append((f"f.flow IN (SELECT a.flow {rows})", of_chain))
    if wanted.flag:
        mask = flags(wanted.flag)
        of_flow = f"(f.flags & {mask} > 0 OR f.flow IN (SELECT g.flow FROM day.chains g WHERE g.flags & {mask} > 0))"
        made.of_either.append((of_flow, _flagged(mask)))


def _flagged(mask: int) -> str:
    """Whether a chain has one of the flags, or its flow one of those that only flows have."""
    if not mask & OF_FLOWS:
        return f"c.flags & {mask} > 0"
    return f"(c.flags & {mask} > 0 OR c.flow IN (SELECT g.flow FROM day.flows g WHERE g.flags & {mask & OF_FLOWS} > 0))"


def _of_neither(made: Predicate, excluded: FlowFilter) -> None:
    """Leave out flows for what they are themselves, and of the others the chains for what those are."""
    if excluded.any:
        rows = in_index(made, excluded.any)
        made.flow.append(f"f.flow NOT IN (SELECT a.flow {rows} AND a.chain < 0)")
        made.without.append(f"c.chain NOT IN (SELECT a.chain {rows})")
    if excluded.flag:
        mask = flags(excluded.flag)
        made.flow.append(f"f.flags & (if(f.requests = 0, {mask}, {mask & OF_FLOWS})) = 0")
        made.without.append(f"c.flags & {mask} = 0")
