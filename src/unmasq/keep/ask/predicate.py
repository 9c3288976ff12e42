"""A FlowFilter as SQL: conditions with named parameters, never with values in their text.

Conditions on chains (client, claim, original source, evidence, host, path, status) must hold for one and the same chain of
a flow; `any` for that chain or its flow. Without such conditions `any` and `flag` ask the flow, with all its chains or none.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from unmasq.base.errors import UsageError
from unmasq.model.address import V4_PREFIX, Range, parse_range
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Evidence, Flag, Join, Role

Word = TypeVar("Word", Evidence, Join, Flag)

_CHAIN_ROLES = {"client": Role.CLIENT, "claim": Role.CLAIM, "original_source": Role.ORIGINAL_SOURCE}
_FLOW_ROLES = {"source": Role.SOURCE, "nat_source": Role.NAT_SOURCE}


@dataclass
class Predicate:
    """Conditions on `f` (flows) and `c` (chains) of the source `day`, and the values of their parameters."""

    flow: list[str] = field(default_factory=list)
    chain: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: object) -> str:
        """A parameter for a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def within(self, hi: str, lo: str, ranges: Iterable[Range]) -> str:
        """Whether the address in two columns lies in one of the ranges. A CIDR block is a run in each half by itself."""
        return _either(
            f"{hi} BETWEEN {self.bind(r.first[0])}::UBIGINT AND {self.bind(r.last[0])}::UBIGINT"
            f" AND {lo} BETWEEN {self.bind(r.first[1])}::UBIGINT AND {self.bind(r.last[1])}::UBIGINT{_beside_v4(hi, lo, r)}"
            for r in ranges
        )

    def flows(self) -> str:
        """The condition on a flow `f`."""
        whole = [*self.flow, "f.flow < BELOW"]
        if self.chain:
            whole.append(f"f.flow IN (SELECT c.flow FROM day.chains c WHERE {self.chains()})")
        return " AND ".join(whole)

    def chains(self) -> str:
        """The condition on a chain `c`."""
        return " AND ".join(self.chain) or "true"


def compiled(wanted: FlowFilter) -> Predicate:
    """The filter as conditions. Raises UsageError for a value that no flow can have."""
    made = Predicate()
    _time(made, wanted)
    _flow_columns(made, wanted)
    for name, role in _FLOW_ROLES.items():
        if getattr(wanted, name):
            made.flow.append(f"f.flow IN ({_in_role(made, 'flow', getattr(wanted, name), role)})")
    for name, role in _CHAIN_ROLES.items():
        if getattr(wanted, name):
            made.chain.append(f"c.chain IN ({_in_role(made, 'chain', getattr(wanted, name), role)})")
    if wanted.evidence:
        made.chain.append(_either(f"c.evidence = {made.bind(int(_word(Evidence, w)))}" for w in wanted.evidence))
    _requests(made, wanted)
    _chain_or_flow(made, wanted)
    return made


def index_needs(wanted: FlowFilter) -> list[tuple[str, dict[str, Any]]]:
    """Questions to the address index, with their values; a source that answers one of them with nothing has no such flow."""
    needs = []
    for name, role in (_FLOW_ROLES | _CHAIN_ROLES | {"any": None}).items():
        if getattr(wanted, name):
            made = Predicate()
            needs.append((f"{_in_role(made, 'flow', getattr(wanted, name), role)} LIMIT 1", made.values))
    return needs


def _time(made: Predicate, wanted: FlowFilter) -> None:
    if wanted.since_us is not None:
        made.flow.append(f"f.last_us >= {made.bind(wanted.since_us)}")
    if wanted.until_us is not None:
        made.flow.append(f"f.first_us < {made.bind(wanted.until_us)}")


def _flow_columns(made: Predicate, wanted: FlowFilter) -> None:
    if wanted.dest:
        made.flow.append(made.within("f.dest_hi", "f.dest_lo", map(parse_range, wanted.dest)))
    if wanted.port:
        made.flow.append(_either(f"f.dest_port = {made.bind(port)}" for port in wanted.port))
    for part, texts in enumerate((wanted.to_namespace, wanted.to_pod), 1):
        if texts:
            made.flow.append(_of_pod(made, part, texts))
    if wanted.join:
        made.flow.append(_either(f'f."join" = {made.bind(int(_word(Join, w)))}' for w in wanted.join))


def _of_pod(made: Predicate, part: int, patterns: Iterable[str]) -> str:
    """Whether a part of the proxy's NAMESPACE/POD is like one of the patterns; of an unknown pod nothing is."""
    alike = _either(f"split_part(t.value, '/', {part}) GLOB {made.bind(pattern)}" for pattern in patterns)
    return f"f.pod IN (SELECT t.text FROM day.texts t WHERE contains(t.value, '/') AND {alike})"


def _in_role(made: Predicate, column: str, texts: Iterable[str], role: Role | None) -> str:
    here = made.within("a.hi", "a.lo", map(parse_range, texts))
    return f"SELECT a.{column} FROM day.addresses a WHERE {here}" + ("" if role is None else f" AND a.roles & {role.bit} > 0")


def _requests(made: Predicate, wanted: FlowFilter) -> None:
    if wanted.host:
        made.chain.append(_asked("host", _either(f"t.value = {made.bind(w)}" for w in wanted.host)))
    if wanted.path:
        made.chain.append(_asked("path", _either(f"starts_with(t.value, {made.bind(w)})" for w in wanted.path)))
    if wanted.status:
        made.chain.append(_asked("status", _either(_status(made, w) for w in wanted.status)))


def _asked(column: str, text: str) -> str:
    """Whether a chain asked for such a text. The empty one stands for what the log did not say, which nobody asks for."""
    texts = f"SELECT t.text FROM day.texts t WHERE t.value <> '' AND {text}"
    return f"c.chain IN (SELECT a.chain FROM day.asked a WHERE a.{column} IN ({texts}))"


def _status(made: Predicate, text: str) -> str:
    if len(text) == 3 and text[0].isdecimal() and text[1:].lower() == "xx":
        return f"length(t.value) = 3 AND starts_with(t.value, {made.bind(text[0])})"
    return f"t.value = {made.bind(text)}"


def _chain_or_flow(made: Predicate, wanted: FlowFilter) -> None:
    where, flow, chain = (made.chain, "c.flow", "c.chain") if made.chain else (made.flow, "f.flow", None)
    if wanted.any:
        where.append(_any(made, wanted.any, flow, chain))
    if wanted.flag:
        where.append(_flagged(sum({int(_word(Flag, word)) for word in wanted.flag}), chain))


def _any(made: Predicate, texts: Iterable[str], flow: str, chain: str | None) -> str:
    rows = _in_role(made, "flow", texts, None)
    if chain is None:
        return f"{flow} IN ({rows})"
    return f"({chain} IN ({_in_role(made, 'chain', texts, None)}) OR {flow} IN ({rows} AND a.chain < 0))"


def _flagged(mask: int, chain: str | None) -> str:
    if chain is None:  # of no chain in particular: a flow carries the flags of its chains
        return f"(f.flags & {mask} > 0 OR f.flow IN (SELECT g.flow FROM day.chains g WHERE g.flags & {mask} > 0))"
    return f"c.flags & {mask} > 0"


def _beside_v4(hi: str, lo: str, wanted: Range) -> str:
    """IPv4 is stored within ::/80, and nobody who asks for a block of IPv6 around that means it."""
    if not wanted.first <= (0, V4_PREFIX) <= wanted.last or wanted.version == 4:
        return ""
    return f" AND NOT ({hi} = 0 AND {lo} >> 32 = {V4_PREFIX >> 32})"


def _either(conditions: Iterable[str]) -> str:
    return "(" + " OR ".join(f"({condition})" for condition in conditions) + ")"


def _word(of: type[Word], text: str) -> Word:
    try:
        return of[text.upper().replace("-", "_")]
    except KeyError:
        known = ", ".join(str(member.name).lower().replace("_", "-" if of is Join else "_") for member in of)
        raise UsageError(f"unknown {of.__name__.lower()} {text!r}", "a filter needs one of these words", known) from None
