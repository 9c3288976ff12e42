"""What is promised of any text that may name an address, and of any headers: one form, one meaning, and no client by mere claim."""

import ipaddress
import json
from collections.abc import Mapping
from contextlib import suppress

from tests.property.test_walk import columns
from unmasq.base.errors import UsageError
from unmasq.model.address import NONE, V4_PREFIX, is_confined, packed, parse, parse_range, single, to_text
from unmasq.model.flaws import is_header_text
from unmasq.model.flowbatch import Evidence, Flag, Join
from unmasq.model.native import NATIVE
from unmasq.unwind.claims import claims_of, elements, header_values, named, raw_claims
from unmasq.unwind.judge import judge, seen_by
from unmasq.unwind.trust import HEADERS, TrustEntry, TrustList, entry
from unmasq.unwind.walk import Verdict, read_headers, walk

_GAPS = str.maketrans("", "", ", \t")
_JOINS = (Join.EXACT, Join.NAT, Join.PARTIAL, Join.UNWITNESSED)


def address(data: bytes) -> None:
    """Any text names an address or none, to one reader as to the other; what it names is read again as itself."""
    text = data.decode("utf-8", "surrogateescape")
    found = parse(text)
    hi, lo = found or NONE
    assert packed([text]) == (hi << 64 | lo).to_bytes(16, "big")
    if found:
        assert parse(to_text(*found)) == found
        assert parse_range(to_text(*found)) == single(*found)
        is_confined(*found)
    with suppress(ValueError):
        known = ipaddress.ip_address(text)
        number = int(known) + (V4_PREFIX if known.version == 4 else 0)
        assert (hi << 64 | lo) == number or "%" in text, "the standard library reads another address"
    _is_range(text)


def _is_range(text: str) -> None:
    try:
        found = parse_range(text)
    except UsageError:
        return
    assert found.first <= found.last
    assert 0 <= found.bits <= (32 if found.version == 4 else 128)
    assert parse_range(found.text) == found


def claims(data: bytes) -> None:
    """A header text as it may come over the wire: the extension reads what Python reads, and of a list nothing is lost."""
    text = data.decode("utf-8", "replace")
    if not is_header_text(text):
        return
    found, plain = vars(claims_of([text, "", text], NATIVE)), vars(claims_of([text, "", text], None))
    for name in plain:
        assert found[name].dtype == plain[name].dtype
        assert found[name].tolist() == plain[name].tolist(), name
    for name, value in header_values(text).items():
        if value != "-":
            assert "".join(elements(name, value)).translate(_GAPS) == value.translate(_GAPS)
    for name, element in raw_claims(text):
        named(name, element)


def walks(data: bytes) -> None:
    """Columns are judged as each chain by itself, and only what a trusted hop's own header says becomes a client.

    The first line is how it was joined and the source, each further one a trusted range with its header, behind `+`, or a header.
    """
    join, source, told, trust = _case(data.decode("utf-8", "replace"))
    text = json.dumps(told)
    for is_elsewhere in (False, True):
        verdict = walk(parse(source) or NONE, seen_by(join), read_headers(text), trust, snat_elsewhere=is_elsewhere)
        flows, chains = columns([(source, text, is_elsewhere)] * 2, join)
        judged = judge(flows, chains, claims_of([text, text]), trust)
        for row in range(2):
            got = (int(judged.client_hi[row]), int(judged.client_lo[row])), Evidence(judged.evidence[row]), Flag(int(judged.flags[row]))
            assert got == verdict[:3], "columns are judged in another way"
        _is_no_mere_claim(verdict, source, told, trust)


def _case(text: str) -> tuple[Join, str, dict[str, str], TrustList]:
    first, *rest = text.split("\n")
    told, entries = {}, list[TrustEntry]()
    for line in rest:
        if line.startswith("+"):
            of_range, _, header = line[1:].partition(" ")
            with suppress(UsageError):
                entries.append(entry("p", of_range, header or "x-forwarded-for"))
        else:
            name, _, value = line.partition(": ")
            told[name] = value
    return _JOINS[len(first.split(" ", 1)[0]) % len(_JOINS)], first.partition(" ")[2], told, TrustList(entries, 1)


def _is_no_mere_claim(verdict: Verdict, source: str, told: Mapping[str, str], trust: TrustList) -> None:
    for teller, named_hop in zip(verdict.hops[::-1], verdict.hops[::-1][1:], strict=False):
        assert named_hop.by in {e.header for e in trust.find(*teller.address)}, "a hop that nobody who is trusted named"
    if verdict.client == NONE:
        assert verdict.flags, "nobody, and nothing says why"
        return
    assert verdict.client == verdict.hops[0].address
    assert not trust.find(*verdict.client) or verdict.flags == Flag.ALL_TRUSTED
    if not any(told.get(header) for header in HEADERS) or not trust.entries:
        assert verdict.client == parse(source) or verdict.evidence == Evidence.LOGGED
