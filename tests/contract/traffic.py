"""Flows as a test writes them down, rendered to batches the way the pipeline does: judged, with every address in its roles."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

import numpy as np

from unmasq.base.clock import DAY_US
from unmasq.model.address import NONE, parse
from unmasq.model.flowbatch import (
    AddressColumns,
    AskedColumns,
    ChainColumns,
    Flag,
    FlowBatch,
    FlowColumns,
    Join,
    LineColumns,
    Rejected,
)
from unmasq.model.ingress import TEXTS, FileIdentity, TimeSource
from unmasq.unwind.claims import claims_of
from unmasq.unwind.judge import judge
from unmasq.unwind.roles import address_rows, count_originals
from unmasq.unwind.trust import TrustList

MINUTE_US = 60_000_000
MIDNIGHT_US = 20_000 * DAY_US  # 2024-10-04
LOG = FileIdentity(1, 2**63 + 5, "0f0f")


@dataclass(frozen=True)
class MadeChain:
    """Requests with the same headers. `at_us` counts from the start of the interval."""

    headers: tuple[tuple[str, str], ...] = ()
    requests: int = 1
    at_us: int = 0
    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    flags: int = 0


@dataclass(frozen=True)
class MadeFlow:
    """One connection in one minute."""

    minute: int = 0
    """Counted from MIDNIGHT_US; negative for the day before."""
    source: str = "198.51.100.1"
    port: int = 40000
    nat: str = ""
    dest: str = "10.0.0.80"
    dest_port: int = 80
    pod: str = ""
    join: Join = Join.EXACT
    flags: int = 0
    time_source: TimeSource = TimeSource.LINE
    connection: int = 1
    chains: tuple[MadeChain, ...] = field(default=(MadeChain(),))


def batch(
    flows: Sequence[MadeFlow],
    trust: TrustList | None = None,
    *,
    node: str = "node-1",
    first_id: int = 1,
    first_line: int = 0,
    rejected: Iterable[Rejected] = (),
) -> FlowBatch:
    """The flows as columns; each flow is ten bytes of LOG, in the order of the list."""
    trust = trust or TrustList()
    texts = _Texts()
    columns = replace(_flows(flows, first_id, trust), pod=np.array([texts.number(made.pod) for made in flows], "i8"))
    pairs = [(row, made, chain) for row, made in enumerate(flows) for chain in made.chains]
    chains, asked = _chains(pairs, texts), _asked(pairs, texts)
    of_headers = {texts.all[number] for number in chains.headers.tolist()}
    claims = claims_of([text if text in of_headers else "" for text in texts.all])
    chains = judge(columns, chains, claims, trust)
    np.bitwise_or.at(columns.flags, chains.flow, chains.flags)  # a flow carries the flags of its chains
    addresses = address_rows(columns, chains, claims) if len(columns) else AddressColumns.empty()
    columns.originals[:] = count_originals(len(columns), addresses)
    starts = first_line + 10 * np.arange(len(flows))
    day = columns.interval_start_us // DAY_US
    lines = LineColumns.filled(len(flows), start=starts, end=starts + 10, day=day)
    return FlowBatch(node, columns, chains, asked, addresses, texts.all, [LOG], lines, list(rejected))


class _Texts:
    def __init__(self) -> None:
        self.all: list[str] = []

    def number(self, text: str) -> int:
        if text not in self.all:
            self.all.append(text)
        return self.all.index(text)


def _flows(flows: Sequence[MadeFlow], first_id: int, trust: TrustList) -> FlowColumns:
    start = MIDNIGHT_US + MINUTE_US * np.array([f.minute for f in flows], "i8")
    times = [[chain.at_us for chain in f.chains] for f in flows]
    known: dict[str, Any] = {
        "interval_start_us": start,
        "interval_end_us": start + MINUTE_US,
        "protocol": 6,
        "trust_version": trust.version,
    }
    known |= {"id_hi": start // 1000 << 16, "id_lo": np.arange(first_id, first_id + len(flows)), "orig_dest_port": 443}
    known |= {"first_us": start + _of(times, min), "last_us": start + _of(times, max), "bytes_in": 1000, "bytes_out": -1}
    known |= {"started": 1, "opened_us": start, "requests": _of([[c.requests for c in f.chains] for f in flows], sum)}
    for column, name in (
        ("source_port", "port"),
        ("dest_port",) * 2,
        ("join",) * 2,
        ("flags",) * 2,
        ("time_source",) * 2,
        ("connection",) * 2,
    ):
        known[column] = np.array([getattr(f, name) for f in flows], "i8")
    for name in ("source", "nat", "dest"):
        known |= _address(name, [getattr(f, name) for f in flows])
    return FlowColumns.filled(len(flows), **known)


def _of(lists, how):
    return np.array([how(each) if each else 0 for each in lists], "i8")


def _address(name, texts):
    pairs = [parse(text) or NONE for text in texts]
    return {f"{name}_hi": np.array([hi for hi, _ in pairs], "u8"), f"{name}_lo": np.array([lo for _, lo in pairs], "u8")}


def _chains(pairs, texts: _Texts) -> ChainColumns:
    at = np.array([MIDNIGHT_US + MINUTE_US * made.minute + chain.at_us for _, made, chain in pairs], "i8")
    return ChainColumns.filled(
        len(pairs),
        flow=np.array([row for row, _, _ in pairs], "i8"),
        headers=np.array([texts.number(json.dumps(dict(chain.headers))) for _, _, chain in pairs], "i8"),
        flags=np.array([chain.flags | made.flags & ~(Flag.SNAT_ELSEWHERE | Flag.APPLICATION_BYTES) for _, made, chain in pairs], "u2"),
        requests=np.array([chain.requests for _, _, chain in pairs], "i8"),
        bytes_in=-1,
        bytes_out=100,
        first_us=at,
        last_us=at,
    )


def _asked(pairs, texts: _Texts) -> AskedColumns:
    """A row for the first host, path, status and user agent, one for the second ones, and so on; each of all requests."""
    rows = [
        (at, chain.requests, *map(texts.number, said))
        for at, (_, _, chain) in enumerate(pairs)
        for said in zip_longest(*map(dict.fromkeys, (chain.hosts, chain.paths, chain.statuses, chain.agents, chain.services)), fillvalue="")
    ]
    names = ("chain", "requests", "host", "path", "status", "user_agent", "service")
    columns = np.array(rows, "i8").reshape(-1, len(names)).T
    silent = dict.fromkeys(TEXTS, texts.number(""))
    return AskedColumns.filled(len(rows), **silent | dict(zip(names, columns, strict=True)))
