"""The walk: a forged header never becomes a client, and the columns agree with the plain rule."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unmasq.model.address import NONE, parse
from unmasq.model.flowbatch import ChainColumns, Evidence, Flag, FlowColumns, Join
from unmasq.unwind.claims import claims_of
from unmasq.unwind.judge import judge, seen_by
from unmasq.unwind.trust import HEADERS, LISTS, TrustEntry, TrustList, entry
from unmasq.unwind.walk import read_headers, walk

ADDRESSES = [
    "10.0.0.1",
    "10.0.0.2",
    "10.1.0.1",
    "198.51.100.1",
    "198.51.100.2",
    "203.0.113.9",
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8:1::1",
    "::1",
]
ODD = ["unknown", "_hidden", "", "-", "198.51.100.1:44", "[2001:db8::1]:80", "garbage\x00", "::"]
RANGES = [
    "10.0.0.0/8",
    "10.0.0.0/24",
    "10.0.0.1",
    "203.0.113.0/24",
    "2001:db8::/32",
    "2001:db8::1",
    "::/0",
    "0.0.0.0/0",
    "2001:db8:0:0::/64",
]

names = st.sampled_from(ADDRESSES)
element = st.one_of(names, st.sampled_from(ODD))
value = st.lists(element, max_size=4).map(", ".join)
forwarded_element = st.one_of(
    names.map(lambda a: f'for="{a}";proto=http'),
    names.map(lambda a: f"By=_x; FOR={a}"),
    st.sampled_from(['for="', "for=unknown", "proto=https", "", 'for="_h";host="a, for=10.0.0.1"', "for=10.0.0.1;for=10.0.0.2", "é\x00"]),
)
header_text = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("x-forwarded-for", "x-real-ip", "proxy-protocol", "cf-connecting-ip", "true-client-ip"), value)
    | {
        "forwarded": st.lists(forwarded_element, max_size=3).map(", ".join),
        "prefix": names,
        "logged": names,
        "cut": st.sampled_from(["x-forwarded-for", "x-real-ip"]),
        "captured": st.sampled_from(["-", "x-forwarded-for:2048", "x-forwarded-for:12;x-real-ip:10", "forwarded:4096", "x-forwarded-for"]),
        "reported_by": st.sampled_from(["shop/web-1", "-"]),
        "source_by": st.just("proxy-protocol"),
    },
).map(json.dumps)
trust_entry = st.builds(entry, st.just("p"), st.sampled_from(RANGES), st.sampled_from(HEADERS))
common_entry = st.builds(entry, st.just("p"), st.sampled_from(RANGES))
trusts = st.one_of(st.lists(common_entry, max_size=3), st.lists(trust_entry, max_size=4)).map(lambda entries: TrustList(entries, 1))
case = st.tuples(st.one_of(names, st.just("")), header_text, st.booleans())
joins = st.sampled_from([Join.EXACT, Join.UNWITNESSED])


def columns(cases: list[tuple[str, str, bool]], join: Join = Join.EXACT) -> tuple[FlowColumns, ChainColumns]:
    starts = [parse(source) or NONE for source, _, _ in cases]
    flags = np.array([Flag.SNAT_ELSEWHERE if snat else 0 for _, _, snat in cases], "u2")
    rows = np.arange(len(cases))
    hi, lo = np.array([s[0] for s in starts], "u8"), np.array([s[1] for s in starts], "u8")
    return (
        FlowColumns.filled(len(cases), source_hi=hi, source_lo=lo, flags=flags, join=join),
        ChainColumns.filled(len(cases), flow=rows, headers=rows, requests=1),
    )


@given(st.lists(case, min_size=1, max_size=12), trusts, joins)
def test_columns_agree_with_the_plain_walk(cases: list[tuple[str, str, bool]], trust: TrustList, join: Join) -> None:
    flows, chains = columns(cases, join)
    judged = judge(flows, chains, claims_of([text for _, text, _ in cases]), trust)
    for row, (source, text, snat) in enumerate(cases):
        plain = walk(parse(source) or NONE, seen_by(join), read_headers(text), trust, snat_elsewhere=snat)
        got = ((int(judged.client_hi[row]), int(judged.client_lo[row])), Evidence(judged.evidence[row]), Flag(int(judged.flags[row])))
        assert got == plain[:3]


@given(case, trusts, joins)
def test_an_unverified_claim_never_becomes_a_client(one: tuple[str, str, bool], trust: TrustList, join: Join) -> None:
    """Only the start, or what a trusted hop's own header says, can be the client; without trust only the start can."""
    source, text, snat = one
    verdict = walk(parse(source) or NONE, seen_by(join), read_headers(text), trust, snat_elsewhere=snat)
    for teller, named in zip(verdict.hops[::-1], verdict.hops[::-1][1:], strict=False):
        assert named.by in {e.header for e in trust.find(*teller.address)}
    if verdict.client != NONE:
        assert verdict.client == verdict.hops[0].address
        assert not trust.find(*verdict.client) or verdict.flags == Flag.ALL_TRUSTED, "a trusted proxy asks only for itself"
    else:
        assert verdict.flags
    if json.loads(text).get("reported_by", "-") != "-":
        assert verdict[:3] == (NONE, Evidence.NONE, Flag.OBSCURED)
    if "source_by" in json.loads(text) and join is Join.UNWITNESSED and source:
        assert verdict[:3] == (NONE, Evidence.NONE, Flag.OBSCURED), "no socket and no kernel saw the start"
    if not trust.entries:
        assert verdict.client in (NONE, parse(source)) or verdict.evidence == Evidence.LOGGED


def written_by(header: str, forged: str, client: str) -> str:
    """A header as a proxy hands it on: appended to what came, or overwritten."""
    if header not in LISTS:
        return client
    own = f'for="[{client}]"' if header == "forwarded" and ":" in client else f"for={client}" if header == "forwarded" else client
    return f"{forged}, {own}"


forgeries = st.one_of(value, st.lists(forwarded_element, max_size=2).map(", ".join), st.text(max_size=8))


@given(case, trusts, st.sampled_from(HEADERS), forgeries, names)
def test_behind_a_proxy_that_does_what_it_is_trusted_for_the_client_is_right_or_nobody(
    one: tuple[str, str, bool], others: TrustList, header: str, forged: str, client: str
) -> None:
    """Whatever the client forged into that header and all others, and whoever else is trusted."""
    proxy = entry("honest", "192.0.2.80", header)
    trust = TrustList([*others.entries, proxy], 1)
    values = {name: text for name, text in json.loads(one[1]).items() if name not in ("cut", "reported_by")}
    text = json.dumps(values | {header: written_by(header, forged, client)})
    verdict = walk(proxy.range.first, "kernel", read_headers(text), trust)
    if trust.find(*(parse(client) or NONE)):
        assert verdict.hops[-2:-1] in ((), ((parse(client), header),))
    else:
        assert verdict.client in (parse(client), NONE)
        assert verdict.client != NONE or verdict.flags


@given(st.lists(trust_entry, max_size=5), st.lists(names, min_size=1, max_size=20))
def test_trust_of_columns_agrees_with_the_definition(entries: list[TrustEntry], texts: list[str]) -> None:
    trust = TrustList(entries)
    pairs = [parse(text) or NONE for text in texts]
    masks = trust.headers_of(np.array([p[0] for p in pairs], "u8"), np.array([p[1] for p in pairs], "u8"))
    for pair, mask in zip(pairs, masks.tolist(), strict=True):
        holding = [e for e in entries if e.range.first <= pair <= e.range.last]
        narrowest = max((e.range.prefix for e in holding), default=None)
        expected = {e.header for e in holding if e.range.prefix == narrowest}
        assert {name for bit, name in enumerate(HEADERS) if mask >> bit & 1} == expected == {e.header for e in trust.find(*pair)}
