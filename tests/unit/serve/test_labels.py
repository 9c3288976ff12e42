"""Nothing that somebody may choose becomes a label of a metric: not its text, and not the number of series."""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from tests.contract.traffic import MadeChain, MadeFlow, batch
from tests.lab.tricks import TRICKS
from tests.ui.hostile import TEXTS
from tests.unit.serve.asking import bearer, raw
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.model import wire
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.unwind.trust import TrustList

NOW_US = 1_800_000_000_000_000
PLAIN = re.compile(r"[a-zA-Z0-9_ -]{0,40}")
NODE = {"authorization": "Bearer node-token"}
KEYS = (
    "source_ip", "source_port", "destination_ip", "x-forwarded-for", "x-real-ip", "forwarded", "protocol", "ts", "method", "host", "uri",
    "status", "bytes_in", "user_agent", "upstream", "service", "captured", "reported_by", "proxy_protocol_ip",
)  # fmt: skip


def series(text: str) -> set[tuple[str, str]]:
    """Each series of what is measured, with the values of its labels."""
    families = text_string_to_metric_families(text)
    return {(sample.name, "|".join(sample.labels.values())) for family in families for sample in family.samples}


def ask_all(asking: httpx2.Client, text: str, reading: Mapping[str, str]) -> None:
    """One text in every place of a request that a client may write."""
    for method, path in product(("GET", "POST", "PUT", "DELETE", "BREW"), ("/", "/api/v1/", "/static/", "/ip/", "/api/v1/trace/")):
        asking.request(method, path + httpx2.QueryParams({"q": text})["q"].replace("\x1b", "").replace("\x07", "")[:200])
    for headers in (reading, NODE, {}):
        asking.get("/api/v1/flows", params={"host": text, "path": text, text[:50]: text}, headers=headers)
    shown = text.encode("ascii", "replace").decode().replace("\x1b", "?").replace("\x07", "?")
    for header in ("user-agent", "host", "authorization", "cookie", "origin", "x-forwarded-for", "accept", "if-none-match"):
        asking.get("/api/v1/node-settings", headers={**NODE, header: shown.strip()})
    asking.post("/login", data={"token": text})
    asking.post("/api/v1/node-settings", json={"node": text, "addresses": [text]}, headers=NODE)
    asking.post("/api/v1/batches", content=wire.encode(hostile(text)), headers=NODE)


def hostile(text: str) -> FlowBatch:
    """A batch in which the text stands wherever a node may write one."""
    made = batch([MadeFlow(pod=text, chains=(MadeChain(requests=1),))], node=text)
    return replace(made, texts=[each if each.startswith("{") or not each else text for each in made.texts])


def test_of_a_server(store, server, browser):
    reading = bearer(store, "see")
    first, *others = TEXTS.values()
    raw(server, b'BREW /%ff HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x"y\xff\r\n\r\n')
    ask_all(browser, first, reading)
    ask_all(browser, "{1=" + others[0], reading)
    before = series(browser.get("/metrics", headers=reading).text)
    for text in others:
        ask_all(browser, text, reading)
    after = series(browser.get("/metrics", headers=reading).text)
    assert [each for each in after if not PLAIN.fullmatch(each[1])] == []
    assert len(after) < len(before) + 10


def test_of_a_node():
    """Whatever lines say: reasons are those of the code, and no more of them come with more texts."""
    counters = Counters()
    desk = Desk(WindowSettings(), counters, lambda: Surroundings("n", TrustList()), witnessed=False, began_us=0)
    texts = [text.encode() for text in TEXTS.values()] + [lines.strip() for lines in TRICKS.values()]
    for number, (key, text) in enumerate(product(KEYS, texts)):
        value = text.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b" ")
        payload = b'{"source_port": 1, "source_ip": "198.51.100.1", "%s": "%s"}' % (key.encode(), value)
        line = text.replace(b"\n", b" ") + b" unmasq: " + payload + b"\n"
        named = value.decode(errors="replace")
        desk.take_lines(Chunk(FileIdentity(1, 1, "a"), named, number << 20, line, pod=named), NOW_US)
    desk.close(NOW_US, everything=True)
    rows = [(name, reason) for name, reason, _ in counters.rows()]
    assert len(rows) > 5
    assert [each for each in rows if not PLAIN.fullmatch(each[0]) or not PLAIN.fullmatch(each[1])] == []
    assert len(rows) < 60
