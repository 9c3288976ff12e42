"""Every answer about flows says what may be missing in its window: over the API in each form, and on every page."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx2
import pytest
from msgspec import structs

from tests.contract.traffic import MIDNIGHT_US, MINUTE_US, MadeFlow, batch
from tests.unit.find.test_ways import status
from tests.unit.serve.asking import HTML
from unmasq.base.clock import DAY_US, MICROSECONDS, ManualClock
from unmasq.base.moments import text
from unmasq.base.telemetry import Counters
from unmasq.keep.control.tokens import Tokens
from unmasq.keep.duck import DuckStore
from unmasq.model import wire
from unmasq.model.nodesettings import NodeSaid
from unmasq.serve.contract import body_of
from unmasq.serve.server import Public, Server

NOW_US = MIDNIGHT_US + 10 * MINUTE_US
SILENT = "Complete on 1 of 2 nodes: node-2 silent since 2024-10-04 00:02:00Z."
ABOUT_FLOWS = ("trace/198.51.100.1", "trace/203.0.113.77", "flows", "top", "histogram", "facets?field=host", "proxies")
PAGES = ("/", "/flows", "/ip/198.51.100.1", "/ip/203.0.113.77", "/several?q=198.51.100.1", "/proxies", "/health")


@pytest.fixture
def clock():
    return ManualClock(NOW_US)


@pytest.fixture
def asking(tmp_path, clock):
    """A reader of a server to which two nodes sent something, one of them some minutes ago."""
    with DuckStore(tmp_path / "store") as store:
        reader = Tokens(store.folder).add("me", "see", 0)
        with Server(store, Public("127.0.0.1", 0, node_token=lambda: "node-token"), clock, Counters()) as server:
            with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=20) as client:
                for number, (node, minute) in enumerate((("node-1", 9), ("node-2", 2)), 1):
                    made = replace(batch([MadeFlow(minute=minute)], node=node, first_id=number), id=UUID(int=number))
                    post(client, "batches", wire.encode(made))
                client.headers["authorization"] = f"Bearer {reader}"
                yield client


def post(client, path: str, content: bytes) -> None:
    answer = client.post(f"/api/v1/{path}", content=content, headers={"authorization": "Bearer node-token"})
    assert answer.status_code == 200, answer.text


def says(client, node: str, counters: dict[str, int] | None = None) -> None:
    doing = structs.replace(status(counters or {}), node=node, started=text(MIDNIGHT_US))
    post(client, "node-settings", body_of(NodeSaid(node, status=doing)))


def known(client, path: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()["completeness"]
    return told


@pytest.mark.parametrize("path", ABOUT_FLOWS)
def test_a_node_that_sends_no_more_is_named_in_every_answer(asking, path):
    told = known(asking, path)
    assert told["silent"] == [{"node": "node-2", "since_us": MIDNIGHT_US + 2 * MINUTE_US}]
    assert (told["nodes"], told["requests"], told["doubts"]) == (2, 2, [SILENT])


@pytest.mark.parametrize("path", ABOUT_FLOWS)
def test_a_node_without_requests_that_says_how_it_is_leaves_no_doubt(asking, path):
    says(asking, "node-2")
    assert known(asking, path)["doubts"] == []


def test_what_a_node_lost_is_told_of_the_window_in_which_it_did(asking, clock):
    says(asking, "node-2", {"conntrack_lost": 0})
    clock.move_to(NOW_US + 15 * MICROSECONDS)
    says(asking, "node-2", {"conntrack_lost": 3})
    clock.move_to(NOW_US + 60 * MICROSECONDS)
    says(asking, "node-2", {"conntrack_lost": 3})
    assert known(asking, "flows?last=1h")["dropped"] == {"node-2": {"conntrack_lost": 3}}
    assert known(asking, "flows?last=30s")["dropped"] == {}
    assert known(asking, f"flows?until={text(NOW_US - MINUTE_US)}")["dropped"] == {}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("path", ["flows", "top", "histogram", "facets?field=host"])
def test_rows_keep_their_form_and_a_header_has_the_figures(asking, path, form):
    says(asking, "node-1", {"syslog_lost{full}": 4})
    answer = asking.get(f"/api/v1/{path}{'&' if '?' in path else '?'}format={form}")
    assert answer.headers["unmasq-completeness"] == (
        "doubts=2, nodes=2, silent=1, requests=2, joined=2, rejected=0, dropped=4, trust-version=0, judged-by-older=0, "
        "unwritten=0, unreadable=0"
    )
    assert "doubts" not in answer.text
    if form == "jsonl":
        assert all("completeness" not in json.loads(line) or json.loads(line)["completeness"] is None for line in answer.text.splitlines())


def test_the_header_stands_beside_that_of_the_next_page(asking):
    headers = asking.get("/api/v1/flows?limit=1").headers
    assert 'rel="next"' in headers["link"]
    assert headers["unmasq-completeness"].startswith("doubts=1, nodes=2, silent=1,")


def test_metrics_count_the_nodes_that_say_nothing_any_more(asking, clock):
    says(asking, "node-2")
    assert "unmasq_nodes_silent 0.0" in asking.get("/metrics").text
    clock.move_to(NOW_US + 6 * MINUTE_US)
    says(asking, "node-1")
    assert "unmasq_nodes_silent 1.0" in asking.get("/metrics").text


def test_it_can_be_asked_for_alone(asking):
    assert asking.get("/api/v1/completeness?last=1h").json()["doubts"] == [SILENT]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_it_in_its_head_and_as_json(asking, path):
    page = asking.get(path, headers=HTML).text
    assert 'class="health doubt"' in page
    assert "1 of 2 nodes (node-2 silent since 2024-10-04 00:02:00Z)" in page
    name, _, query = path.partition("?")
    told = asking.get(f"{name}.json?{query}").json()["completeness"]
    assert [each["node"] for each in told["silent"]] == ["node-2"]


def test_a_page_whose_window_ends_at_the_newest_flow_says_that_nothing_came_since(asking, clock):
    clock.move_to(NOW_US + 2 * DAY_US)
    for path in ("/flows", "/ip/198.51.100.1", "/ip/203.0.113.77"):
        [doubt] = asking.get(f"{path}.json").json()["completeness"]["doubts"]
        assert doubt.startswith("Nothing at all came since 2024-10-04 00:09:00Z, 2 days ago")
