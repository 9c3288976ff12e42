"""A small store with every kind of evidence, and with text that tries to get out of wherever it is shown."""

from pathlib import Path

from tests.contract.traffic import MadeChain, MadeFlow, batch
from unmasq.keep.duck import DuckStore
from unmasq.model.flowbatch import Flag, FlowBatch, Join, Rejected
from unmasq.model.ingress import Reject
from unmasq.unwind.trust import TrustEntry, TrustList, entry

CLIENT = "198.51.100.10"
FORGER = "198.51.100.9"
EDGE = "203.0.113.20"
UNDECLARED = "192.0.2.50"
TRANSLATION = "10.244.1.1"
LONG = "2001:db8:9:1:aaaa:bbbb:cccc:dddd"
TRUSTED: list[TrustEntry] = [entry("edge-lb", "203.0.113.0/24")]
TRUST = TrustList(TRUSTED, 1)

ESCAPE = "/\x1b[31m\u202e|x<b>`[a](b)"
FORMULA = "=cmd|'/C_calc'!A0"


def xff(value: str, **kind) -> MadeChain:
    return MadeChain(headers=(("x-forwarded-for", value),), **kind)


FLOWS = [
    *(
        MadeFlow(minute=at, source=EDGE, port=40000 + at, connection=at + 1,
                 chains=(xff(CLIENT, requests=30, paths=("/search", "/login"), statuses=("200",)),))
        for at in range(10)
    ),
    MadeFlow(minute=3, source=TRANSLATION, nat=CLIENT, port=41000, join=Join.NAT, connection=20,
             chains=(MadeChain(requests=14, paths=("/",), statuses=("200",)),)),
    MadeFlow(minute=4, source=FORGER, port=42000, connection=21, chains=(xff(CLIENT, requests=3, statuses=("404",)),)),
    MadeFlow(minute=5, source=EDGE, port=43000, connection=22,
             chains=(xff("198.51.100.77", hosts=(FORMULA, "shop.example"), paths=(ESCAPE, "/a b")), xff(LONG))),
    MadeFlow(minute=6, source=UNDECLARED, port=44000, connection=23, join=Join.UNWITNESSED,
             chains=tuple(xff(f"100.64.0.{n}") for n in range(1, 40))),
    MadeFlow(minute=7, source=EDGE, port=45000, connection=24, chains=(xff("-", requests=2),)),
    MadeFlow(minute=8, source=EDGE, port=46000, connection=25, flags=Flag.LATE, chains=(MadeChain(requests=5),)),
]  # fmt: skip
REJECTED = [Rejected(20_000, Reject.INJECTED, 3, "a sample")]


def shop() -> FlowBatch:
    """All of it, judged by TRUST."""
    return batch(FLOWS, TRUST, rejected=REJECTED)


def make_store(folder: Path) -> Path:
    """A store at rest that holds the shop."""
    with DuckStore(folder) as store:
        store.control.trust_add(TRUSTED, 1_700_000_000_000_000)
        store.append(shop())
    return folder
