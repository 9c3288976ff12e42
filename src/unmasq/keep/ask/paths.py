"""The question `chains`: by which distinct paths the requests of an address came."""

from collections.abc import Sequence

import numpy as np
from msgspec import json, structs

from unmasq.keep.ask import passed
from unmasq.keep.ask.hits import Hits, gather
from unmasq.keep.ask.hops import hops, observed
from unmasq.keep.ask.predicate import compiled
from unmasq.keep.ask.sources import Row, TrustOf, View
from unmasq.keep.shapes import ChainGroup
from unmasq.model.address import Range, text_or_none, to_text
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Evidence, Flag, Join, Role
from unmasq.unwind.claims import named, raw_claims

MOST_HITS = 1_000_000
"""Chains that one answer looks at; of an address with more, the figures are those of so many."""

MOST_SHAPES = 20_000
"""Distinct combinations that are walked, those with most requests first."""

LISTED_PATHS = 10

_SHAPE = (
    'role, hi, lo, node, "join", source_hi, source_lo, nat_hi, nat_lo, dest_hi, dest_lo, dest_port,'
    " flow_flags, trust_version, client_hi, client_lo, evidence, flags, header_text"
)
_SEEN = """
SELECT h.place, h.role, h.hi, h.lo, f.node, f."join", f.source_hi, f.source_lo, f.nat_hi, f.nat_lo,
       f.dest_hi, f.dest_lo, f.dest_port, f.flags AS flow_flags, f.trust_version, f.connection,
       c.client_hi, c.client_lo, c.evidence, c.flags, c.chain,
       if(h.chain < 0, c.requests, h.requests) AS requests,
       if(h.chain < 0, c.first_us, h.first_us) AS first_us, if(h.chain < 0, c.last_us, h.last_us) AS last_us,
       coalesce(t.value, '') AS header_text
FROM hits h
JOIN day.flows f ON f.flow = h.flow
JOIN day.chains c ON c.flow = h.flow AND (h.chain = c.chain OR h.chain < 0)
LEFT JOIN day.every_text t ON t.text = c.headers
WHERE h.place = PLACE AND {flows} AND {chains}
"""
_SHAPES = f"""
CREATE OR REPLACE TEMP TABLE shapes AS
SELECT row_number() OVER (ORDER BY sum(requests) DESC) - 1 AS shape, {_SHAPE} FROM seen GROUP BY ALL
ORDER BY shape LIMIT $most
"""
_PATHS = f"""
CREATE OR REPLACE TEMP TABLE paths AS
SELECT path, place, chain, flags, connection, requests, first_us, last_us
FROM seen JOIN shapes USING ({_SHAPE}) JOIN merged USING (shape)
"""
_TOTALS = """
SELECT path, sum(requests)::BIGINT AS requests, count(DISTINCT connection) AS connections,
       min(first_us) AS first_us, max(last_us) AS last_us
FROM paths GROUP BY path ORDER BY requests DESC, path LIMIT $most
"""
# What a chain that sums others asked for is not what this address asked for. One look at the texts is for both.
_ASKED = f"""
SELECT u.path, u.is_status, t.value, sum(u.requests)::BIGINT AS requests
FROM (
    SELECT p.path, a.requests, unnest([true, false]) AS is_status, unnest([a.status, a.path]) AS text
    FROM (SELECT DISTINCT path, chain FROM paths WHERE place = PLACE AND flags & {int(Flag.OTHERS)} = 0) p
    JOIN day.asked a ON a.chain = p.chain
) u JOIN day.every_text t ON t.text = u.text
GROUP BY ALL
"""
_STATUSES = """
SELECT path, value, sum(requests)::BIGINT AS total FROM asked WHERE is_status AND value <> '' GROUP BY ALL ORDER BY total DESC, value
"""
_MOST_ASKED = f"""
SELECT path, value FROM asked WHERE NOT is_status AND value <> '' GROUP BY path, value
QUALIFY row_number() OVER (PARTITION BY path ORDER BY sum(requests) DESC, value) <= {LISTED_PATHS}
ORDER BY sum(requests) DESC, value
"""


def groups(view: View, address: Range, wanted: FlowFilter, limit: int) -> list[ChainGroup]:
    """Distinct paths of an address or range, most requests first."""
    predicate = compiled(wanted)
    hits = gather(view, address, most=MOST_HITS)
    if not hits.places:
        return []
    passed.find(view, predicate, hits.places)
    seen = _SEEN.format(flows=predicate.flows(), chains=predicate.chains())
    view.collect("seen", hits.places, seen, predicate.values, at_once=hits.at_once)
    view.ask(_SHAPES, {"most": MOST_SHAPES})
    shapes = view.rows("SELECT * FROM shapes ORDER BY shape")
    drawn = [_drawn(row, view.trust_of) for row in shapes]
    return _counted(view, hits, drawn, [_not_walked(row, group) for row, group in zip(shapes, drawn, strict=True)], limit)


def _counted(view: View, hits: Hits, drawn: Sequence[ChainGroup], claims: Sequence[set[str]], limit: int) -> list[ChainGroup]:
    """One group a distinct path, with the figures of all shapes that drew the same."""
    numbers: dict[bytes, int] = {}
    path_of = [numbers.setdefault(json.encode(group), len(numbers)) for group in drawn]
    picture = dict(zip(path_of, drawn, strict=True))
    claimed: dict[int, set[str]] = {}
    for path, names in zip(path_of, claims, strict=True):
        claimed.setdefault(path, set()).update(names)
    view.cursor.register("merged", {"shape": np.arange(len(drawn)), "path": np.array(path_of, "i8")})
    view.ask(_PATHS)
    view.cursor.unregister("merged")
    statuses, asked = _asked(view, hits)
    return [
        structs.replace(picture[path], **figures, claims=len(claimed[path]), statuses=statuses.get(path, {}), paths=asked.get(path, []))
        for path, figures in ((row.pop("path"), row) for row in view.rows(_TOTALS, {"most": limit}))
    ]


def _asked(view: View, hits: Hits) -> tuple[dict[int, dict[str, int]], dict[int, list[str]]]:
    """For each path the number of requests by status, and what was asked for most."""
    view.collect("asked", hits.places, _ASKED, at_once=hits.at_once)
    statuses: dict[int, dict[str, int]] = {}
    paths: dict[int, list[str]] = {}
    for path, status, requests in view.ask(_STATUSES):
        statuses.setdefault(path, {})[status] = requests
    for path, asked in view.ask(_MOST_ASKED):
        paths.setdefault(path, []).append(asked)
    return statuses, paths


def _drawn(row: Row, trust_of: TrustOf) -> ChainGroup:
    """What a shape looks like, without figures."""
    return ChainGroup(
        role=Role(row["role"]).label,
        address=to_text(row["hi"], row["lo"]),
        client=text_or_none(row["client_hi"], row["client_lo"]),
        evidence=Evidence(row["evidence"]).label,
        observed=text_or_none(*observed(row)),
        source=text_or_none(row["source_hi"], row["source_lo"]),
        dest=text_or_none(row["dest_hi"], row["dest_lo"]),
        dest_port=row["dest_port"] or None,
        join=Join(row["join"]).label,
        node=row["node"],
        hops=hops(row | {"flags": row["flow_flags"]}, row["header_text"], trust_of(row["trust_version"])),
        headers=_naming(row) if row["role"] == Role.CLAIM else [],
        flags=Flag(row["flags"]).labels(),
        requests=0,
        connections=0,
        first_us=0,
        last_us=0,
    )


def _naming(row: Row) -> list[str]:
    """The headers that name the address."""
    address = (row["hi"], row["lo"])
    return list(dict.fromkeys(name for name, element in raw_claims(row["header_text"]) if named(name, element) == address))


def _not_walked(row: Row, drawn: ChainGroup) -> set[str]:
    """The addresses that the headers name beyond the walked hops."""
    found = (named(name, element) for name, element in raw_claims(row["header_text"]))
    return {to_text(*pair) for pair in found if pair} - {hop.ip for hop in drawn.hops}
