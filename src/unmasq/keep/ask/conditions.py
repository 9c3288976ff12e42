"""What each field of a FlowFilter means in SQL: one condition a field, with named parameters, never with values in its text."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from unmasq.base.errors import UsageError
from unmasq.base.safe import utf8
from unmasq.model.address import V4_PREFIX, Range, parse_range
from unmasq.model.flowbatch import Evidence, Flag, Join, Role
from unmasq.unwind.trust import HEADERS

_PARAMETER = re.compile(r"\$(p\d+)")
Word = TypeVar("Word", Evidence, Join, Flag)

OF_FLOWS = int(Flag.APPLICATION_BYTES)
"""Flags that a flow has and none of its chains."""


@dataclass
class Bound:
    """The values of parameters, and the ranges of proxies of which it is found out beforehand who came by them (`passed`)."""

    values: dict[str, Any] = field(default_factory=dict)
    proxies: list[Sequence[Range]] = field(default_factory=list)

    def bind(self, value: object) -> str:
        """A parameter for a value."""
        name = f"p{len(self.values)}"
        self.values[name] = utf8([value])[0] if isinstance(value, str) else value
        return f"${name}"

    def within(self, hi: str, lo: str, ranges: Iterable[Range]) -> str:
        """Whether the address in two columns lies in one of the ranges. A CIDR block is a run in each half by itself."""
        return either(
            f"{hi} BETWEEN {self.bind(r.first[0])}::UBIGINT AND {self.bind(r.last[0])}::UBIGINT"
            f" AND {lo} BETWEEN {self.bind(r.first[1])}::UBIGINT AND {self.bind(r.last[1])}::UBIGINT{_beside_v4(hi, lo, r)}"
            for r in ranges
        )

    def used(self, text: str) -> dict[str, Any]:
        """The values of the parameters that are in a text."""
        return {name: self.values[name] for name in set(_PARAMETER.findall(text))}


Condition = Callable[[Bound, Sequence[Any]], str]


def either(conditions: Iterable[str]) -> str:
    """One of them."""
    return "(" + " OR ".join(f"({condition})" for condition in conditions) + ")"


def in_index(made: Bound, texts: Iterable[str], role: Role | None = None) -> str:
    """Of the address index `a` the rows with one of these addresses, in a role or in any."""
    here = made.within("a.hi", "a.lo", map(parse_range, texts))
    return f"FROM day.addresses a WHERE {here}" + ("" if role is None else f" AND a.roles & {role.bit} > 0")


def word(of: type[Word], text: str) -> Word:
    """A word of a vocabulary. Raises UsageError."""
    try:
        return of[text.upper().replace("-", "_")]
    except KeyError:
        known = ", ".join(str(member.name).lower().replace("_", "-" if of is Join else "_") for member in of)
        raise UsageError(f"unknown {of.__name__.lower()} {text!r}", "a filter needs one of these words", known) from None


def flags(texts: Iterable[str]) -> int:
    """The bits of some flags. Raises UsageError."""
    return sum({int(word(Flag, text)) for text in texts})


def _beside_v4(hi: str, lo: str, wanted: Range) -> str:
    """IPv4 is stored within ::/80, and nobody who asks for a block of IPv6 around that means it."""
    if not wanted.first <= (0, V4_PREFIX) <= wanted.last or wanted.version == 4:
        return ""
    return f" AND NOT ({hi} = 0 AND {lo} >> 32 = {V4_PREFIX >> 32})"


def _flow_with(role: Role) -> Condition:
    return lambda made, texts: f"f.flow IN (SELECT a.flow {in_index(made, texts, role)})"


def _chain_with(role: Role) -> Condition:
    return lambda made, texts: f"c.chain IN (SELECT a.chain {in_index(made, texts, role)})"


def _dest(made: Bound, texts: Sequence[str]) -> str:
    return made.within("f.dest_hi", "f.dest_lo", map(parse_range, texts))


def _pod(part: int) -> Condition:
    """Whether a part of the proxy's NAMESPACE/POD is like one of the patterns; of an unknown pod nothing is."""

    def condition(made: Bound, patterns: Sequence[str]) -> str:
        alike = either(f"split_part(t.value, '/', {part}) GLOB {made.bind(pattern)}" for pattern in patterns)
        return f"f.pod IN (SELECT t.text FROM day.every_text t WHERE contains(t.value, '/') AND {alike})"

    return condition


def _asked(column: str, alike: Callable[[Bound, str], str]) -> Condition:
    """Whether a chain asked for such a text. The empty one stands for what the log did not say, which nobody asks for."""

    def condition(made: Bound, texts: Sequence[str]) -> str:
        wanted = f"SELECT t.text FROM day.every_text t WHERE t.value <> '' AND {either(alike(made, text) for text in texts)}"
        return f"c.chain IN (SELECT a.chain FROM day.asked a WHERE a.{column} IN ({wanted}))"

    return condition


def _same(made: Bound, text: str) -> str:
    return f"t.value = {made.bind(text)}"


def _beginning(made: Bound, text: str) -> str:
    return f"starts_with(t.value, {made.bind(text)})"


def _status(made: Bound, text: str) -> str:
    if len(text) == 3 and text[0].isdecimal() and text[1:].lower() == "xx":
        return f"length(t.value) = 3 AND starts_with(t.value, {made.bind(text[0])})"
    return _same(made, text)


def _header(made: Bound, names: Sequence[str]) -> str:
    """Whether a header was sent: its value in the JSON of the header text is neither empty nor `-`.

    No value holds a quote that is not escaped, so that a name in quotes behind `{` or `,` is a name.
    """
    sent = either(f"regexp_matches(t.value, {made.bind(_sent(name))})" for name in names)
    return f"c.headers IN (SELECT t.text FROM day.every_text t WHERE starts_with(t.value, '{{') AND {sent})"


def _sent(name: str) -> str:
    name = name.lower().replace("_", "-")
    if name not in HEADERS:
        raise UsageError(f"unknown header {name!r}", "a filter needs one of those that are read", ", ".join(HEADERS))
    return f'[{{,] ?"{name}": ?"([^"-]|-[^"])'


def _via(made: Bound, texts: Sequence[str]) -> str:
    """Whether a client was forwarded by such a proxy: the observed end, or one that the walk passed before it came to the client."""
    ranges = [parse_range(text) for text in texts]
    made.proxies.append(ranges)
    translated = made.within("o.nat_hi", "o.nat_lo", ranges)
    direct = made.within("o.source_hi", "o.source_lo", ranges)
    ends = f"SELECT o.flow FROM day.flows o WHERE {translated} OR (o.nat_hi = 0 AND o.nat_lo = 0 AND {direct})"
    passed = f"SELECT v.chain FROM passed_{len(made.proxies) - 1} v WHERE v.place = PLACE"
    return f"(c.evidence = {int(Evidence.FORWARDED)} AND (c.flow IN ({ends}) OR c.chain IN ({passed})))"


ON_FLOWS: Mapping[str, Condition] = {
    "source": _flow_with(Role.SOURCE),
    "nat_source": _flow_with(Role.NAT_SOURCE),
    "dest": _dest,
    "port": lambda made, ports: either(f"f.dest_port = {made.bind(port)}" for port in ports),
    "to_namespace": _pod(1),
    "to_pod": _pod(2),
    "join": lambda made, texts: either(f'f."join" = {made.bind(int(word(Join, text)))}' for text in texts),
}
"""Conditions on `f`, a flow."""

ON_CHAINS: Mapping[str, Condition] = {
    "client": _chain_with(Role.CLIENT),
    "claim": _chain_with(Role.CLAIM),
    "original_source": _chain_with(Role.ORIGINAL_SOURCE),
    "evidence": lambda made, texts: either(f"c.evidence = {made.bind(int(word(Evidence, text)))}" for text in texts),
    "host": _asked("host", _same),
    "path": _asked("path", _beginning),
    "status": _asked("status", _status),
    "service": _asked("service", _same),
    "header": _header,
    "via": _via,
}
"""Conditions on `c`, a chain."""
