"""The question `proxies`: who behaves like a proxy, and for whom those that are trusted spoke.

Only the newest chains are looked at, so that the answer costs the same whatever is stored.
"""

from collections import defaultdict

import numpy as np

from unmasq.keep.ask.sources import View
from unmasq.keep.shapes import Bearer, Proxies, Relay
from unmasq.model.address import to_text
from unmasq.model.flowbatch import Evidence, Flag
from unmasq.unwind.claims import claims_of
from unmasq.unwind.roles import NO_HEADERS

MOST_LISTED = 50
MOST_TEXTS = 20_000
"""Distinct header texts that are read for their claims; of clients with more, `claims` counts those in so many."""

# A chain that sums others has no client of its own.
_NEWEST = f"""
SELECT PLACE AS place, c.client_hi, c.client_lo, c.evidence, c.headers, c.requests,
       if(f.nat_hi = 0 AND f.nat_lo = 0, f.source_hi, f.nat_hi) AS hi, if(f.nat_hi = 0 AND f.nat_lo = 0, f.source_lo, f.nat_lo) AS lo
FROM day.chains c JOIN day.flows f ON f.flow = c.flow
WHERE c.chain >= {{first}} AND c.flow < BELOW AND (c.client_hi > 0 OR c.client_lo > 0) AND c.flags & {int(Flag.OTHERS)} = 0
"""
_COUNT = "SELECT coalesce(max(chain) + 1, 0) FROM day.chains WHERE flow < BELOW"
_RELAYS = f"""
SELECT hi, lo, sum(requests) OVER (PARTITION BY hi, lo)::BIGINT AS total, client_hi, client_lo, requests
FROM (
  SELECT hi, lo, client_hi, client_lo, sum(requests)::BIGINT AS requests
  FROM newest WHERE evidence = {int(Evidence.FORWARDED)} GROUP BY ALL
)
QUALIFY row_number() OVER (PARTITION BY hi, lo ORDER BY requests DESC, client_hi, client_lo) = 1
ORDER BY total DESC, hi, lo LIMIT {MOST_LISTED}
"""
_BEARERS = f"""
CREATE OR REPLACE TEMP TABLE bearers AS
SELECT row_number() OVER (ORDER BY count(DISTINCT (place, headers)) DESC, client_hi, client_lo) - 1 AS bearer,
       client_hi, client_lo, sum(requests)::BIGINT AS requests
FROM newest GROUP BY client_hi, client_lo ORDER BY bearer LIMIT {MOST_LISTED}
"""
_TEXTS = f"""
SELECT DISTINCT b.bearer, t.value FROM newest n JOIN bearers b USING (client_hi, client_lo) JOIN day.every_text t ON t.text = n.headers
WHERE n.place = PLACE LIMIT {MOST_TEXTS}
"""


def proxies(view: View, most: int) -> Proxies:
    """What the newest `most` chains tell."""
    looked_at = _gather(view, most)
    if not looked_at:
        return Proxies(0, [], [])
    relays = [Relay(to_text(hi, lo), total, to_text(*client), requests) for hi, lo, total, *client, requests in view.ask(_RELAYS)]
    return Proxies(looked_at, _bearers(view), relays)


def _gather(view: View, most: int) -> int:
    """Fill `newest`, what is not in a file first and then from day to day; returns how many chains were looked at."""
    found = 0
    for place in range(len(view.sources)):
        if found >= most:
            break
        [(count,)] = view.ask(view.within(place, _COUNT))
        select = view.within(place, _NEWEST.format(first=count - (most - found)))
        view.ask(f"INSERT INTO newest {select}" if place else f"CREATE OR REPLACE TEMP TABLE newest AS {select}")
        found += min(count, most - found)
    return found


def _bearers(view: View) -> list[Bearer]:
    view.ask(_BEARERS)
    places = [place for (place,) in view.ask("SELECT DISTINCT place FROM newest ORDER BY place")]
    if not places:
        return []
    view.collect("named", places, _TEXTS)
    rows = view.ask(f"SELECT DISTINCT bearer, value FROM named LIMIT {MOST_TEXTS}")
    counts = _distinct_claims([bearer for bearer, _ in rows], [text for _, text in rows])
    found = [
        Bearer(to_text(hi, lo), requests, len(counts.get(bearer, set()) - {(hi, lo)}))
        for bearer, hi, lo, requests in view.ask("SELECT * FROM bearers ORDER BY bearer")
    ]
    return sorted((each for each in found if each.claims), key=lambda each: (-each.claims, each.ip))


def _distinct_claims(bearers: list[int], texts: list[str]) -> dict[int, set[tuple[int, int]]]:
    """The addresses that the header texts of each name."""
    claims, found = claims_of(texts), defaultdict[int, set[tuple[int, int]]](set)
    is_header = ~np.isin(claims.kind, NO_HEADERS) & ((claims.hi | claims.lo) > 0)
    for text, hi, lo in zip(claims.text[is_header].tolist(), claims.hi[is_header].tolist(), claims.lo[is_header].tolist(), strict=True):
        found[bearers[text]].add((hi, lo))
    return found
