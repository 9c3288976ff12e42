"""What the doctor says of each link, by a node's own counts or by what a server has."""

from types import SimpleNamespace
from typing import cast

import pytest
from msgspec import structs

from tests.unit.find.test_ways import joined, status
from unmasq.find.acceptance import Match
from unmasq.find.alone import nodes, server_checks
from unmasq.find.broken import broken_elsewhere, broken_here
from unmasq.find.check import State
from unmasq.find.checks import at_start, checks, first_broken, node_checks
from unmasq.find.completeness import Window, completeness
from unmasq.keep.shapes import Health, NodeWithin, Within
from unmasq.model.health import Shipping

NOW_US = 1_800_000_000_000_000
WELL = Shipping("https://unmasq:8470/", None, 0, 0, 1 << 30)
AWAY = Shipping("https://unmasq:8470/", "it cannot be reached", 3, 1 << 20, 1 << 30)
READ = {"lines_read": 20}
POD = {"sockets_below": "/run", "collectors": ["shop/web-1"], "logs": []}
SAID = {**READ, "policy_sync_streams": 1}

LINKS = {
    "nobody has credentials": (status(READ, **POD | {"collectors": []}), WELL, "collectors"),
    "another has the socket": (status({"policy_sync_sockets_refused{served}": 1}, **POD | {"collectors": []}), WELL, "collectors"),
    "no credentials are understood": (status(READ, **POD | {"collectors": [], "credentials_refused": ["a.json is"]}), WELL, "credentials"),
    "nobody has spoken": (status(READ, **POD), WELL, "collectors"),
    "the folder of pods' logs is missing": (status(READ, logs=[], pods_trouble="/var/log/pods: No such file or directory"), WELL, "pods"),
    "switches are off elsewhere": (status(READ, switches_off=["accounting"], namespace="blue"), WELL, "kernel"),
    "the log is missing": (status({"tail_missing{missing}": 1}), WELL, "log"),
    "no line has the marker": (status({**READ, "lines_unmarked": 20}), WELL, "marker"),
    "no line can be read": (status({**READ, "lines_rejected{bad_json}": 20}), WELL, "lines"),
    "the switches are off": (status(READ, switches_off=["accounting"]), WELL, "kernel"),
    "no request is joined": (status({**READ, **joined(nobody=20)}), AWAY, "joined"),
    "the spool is full": (status({**READ, **joined(20)}, store_error="the disk is full"), AWAY, "spool"),
    "the server is away": (status({**READ, **joined(19, nobody=1)}), AWAY, "server"),
    "all is well": (status({**SAID, **joined(19, nobody=1)}, **POD), WELL, None),
}


@pytest.mark.parametrize(("known", "shipping", "link"), LINKS.values(), ids=LINKS)
def test_the_first_broken_link_is_named(known, shipping, link):
    broken = first_broken(node_checks(known, shipping))
    assert (broken and broken.link) == link
    assert broken is None or broken.next


LOOKS = {
    "some lines have no marker": (status({**READ, "lines_unmarked": 5}), "marker"),
    "nobody watches, and none has one": (status({**READ, "lines_unmarked": 20}, kernel=False), "marker"),
    "nothing was read yet": (status(), "log"),
    "other logs are read beside collectors": (status(READ, **POD | {"logs": ["l"]}), "collectors"),
    "a pod spoke for the proxy of another": (status({**SAID, "lines_foreign": 3}, **POD), "collectors"),
    "one file of many is not understood": (status(SAID, **POD | {"credentials_refused": ["a.json is"]}), "credentials"),
    "two collectors displace each other": (status({**SAID, "policy_sync_streams_displaced": 1}, **POD), "collectors"),
    "other logs are read beside pods": (status(READ, pods_trouble="/var/log/pods: No such file or directory"), "pods"),
    "no pod is the one that is named": (status(logs=[], pods_unmatched=["nothere/*/*"], pods_others=7), "pods"),
    "the kernel gave a small buffer": (status({**READ, "conntrack_buffer_refused": 1}), "buffer"),
    "lines were given up": (status({**READ, "spool_dropped_batches{full}": 1, "spool_dropped_lines{full}": 9}), "spool"),
    "translations were given up": (status({**READ, "spool_dropped_batches{full}": 1}), "spool"),
}


@pytest.mark.parametrize(("known", "link"), LOOKS.values(), ids=LOOKS)
def test_what_is_only_to_be_looked_at(known, link):
    found = node_checks(known, WELL)
    assert first_broken(found) is None
    assert State.WARN in [check.state for check in found if check.link == link]


def test_pods_that_match_nothing_are_no_matter_of_collectors():
    found = {check.link: check.seen for check in node_checks(status(logs=[], pods_unmatched=["nothere/*/*"], pods_others=7), WELL)}
    assert found["pods"] == "no pod here matches nothere/*/*; 7 other pods have logs"
    assert found["log"] == "no line since  in the logs of chosen pods"


@pytest.mark.parametrize(("kernel", "told"), [(True, ["pods", "kernel"]), (False, ["pods"])])
def test_what_a_node_can_tell_at_its_start(kernel, told):
    known = status(kernel=kernel, namespace="blue", switches_off=["nf_conntrack_events"], pods_unmatched=["a/*/*"], pods_others=1)
    found = at_start(known)
    assert [check.link for check in found] == told
    assert found[0].seen == "no pod here matches a/*/*; 1 other pod has logs"
    assert found[-1].next.endswith("--set-switches --namespace blue") == kernel
    assert at_start(status(kernel=kernel)) == []


def test_all_that_was_given_up_is_named_with_the_reasons():
    batches = {"batches{full}": 7, "batches{too_large}": 1}
    lost = batches | {"lines{full}": 2000, "lines{too_large}": 5, "rejected{full}": 1, "translations{full}": 3}
    found = node_checks(status({f"spool_dropped_{key}": count for key, count in lost.items()}), WELL)
    (seen,) = [check.seen for check in found if check.link == "spool"]
    assert seen.endswith("; 8 given up (full, too_large): 2,005 lines, 1 rejected line, 3 translations")


def test_few_of_many_pods_are_named():
    pods = [f"shop/web-{number}" for number in range(9)]
    (first, *_) = node_checks(status(SAID, **POD | {"collectors": pods}), WELL)
    assert first.seen.startswith("shop/web-0, shop/web-1, shop/web-2 and 6 more can speak below /run: 1 stream of lines")


def held(requests: int = 5, rejects: int = 0) -> Health:
    return Health(1, requests, 2_000_000, 1, requests, requests, {"bad_json": rejects}, 1, 0)


@pytest.mark.parametrize(("after", "link"), [(held(), "shipped"), (held(5, 1), "marker"), (held(6), "log")])
def test_what_a_server_can_tell_of_a_request_that_did_not_come(after, link):
    broken = broken_elsewhere(None, held(), after)
    assert broken is not None
    assert broken[0] == link


UNJOINED = {
    "the switches are off": ({"switches_off": ["accounting"]}, "--set-switches"),
    "they may be of no use": ({"switches_off": ["accounting"], "data_plane": "Cilium"}, "--namespace"),
    "conntrack is bypassed": ({"switches_off": ["accounting"], "pod_sockets": "bypassed"}, "the pods whose sockets are not watched"),
    "no listener is known": ({"counters": {"lines_partial": 1}, "switches_off": ["accounting"]}, "--listener"),
    "others are known": ({"counters": {"lines_partial": 1}, "listeners": ["10.244.1.10:80"]}, "--namespace"),
}


@pytest.mark.parametrize(("known", "next_step"), UNJOINED.values(), ids=UNJOINED)
def test_what_to_do_where_a_test_request_met_no_connection(known, next_step):
    flow = SimpleNamespace(unmasq=SimpleNamespace(join="unwitnessed"), source_ip="192.0.2.1")
    match = cast(Match, (flow, SimpleNamespace(evidence="observed")))
    broken = broken_here(match, status(), status(**known))
    assert broken is not None
    assert (broken[0], next_step in broken[2]) == ("joined", True)


def test_a_server_that_does_not_know_its_name_is_told_how_to_learn_it():
    named = structs.replace(AWAY, trouble="the server answered 400: the request is refused, no server of that name is here")
    (server,) = [check for check in node_checks(status(), named) if check.link == "server"]
    assert "unmasq serve --host NAME" in server.next


def test_a_day_that_a_server_cannot_write_is_broken():
    unwell = structs.replace(held(), unwritten={"day_2026-11-22.duckdb": "it lacks a table"})
    broken = first_broken(server_checks("u", unwell, 5_000_000))
    assert broken is not None
    assert (broken.link, broken.seen) == ("written", "1 day cannot be written: day_2026-11-22.duckdb: it lacks a table")


def test_a_day_that_a_store_cannot_write_is_broken_where_it_is_filled():
    unwell = structs.replace(held(), unwritten={"day_2026-11-22.duckdb": "it lacks a table"})
    found = checks(status({**READ, **joined(20)}), unwell)
    assert [check.state for check in found if check.link == "written"] == [State.BROKEN]


def test_nodes_of_a_server_that_are_silent_or_lose_something_are_named():
    window = Window(NOW_US - 3_600_000_000, None, NOW_US)
    sent = {"a": NodeWithin(1, 1, 1, NOW_US), **{f"b{number}": NodeWithin(0, 0, 0, NOW_US - 3_600_000_000) for number in range(5)}}
    well = nodes(completeness(Within({"a": sent["a"]}, {}, 1, 0), {}, {}, window))
    assert (well.state, well.seen) == (State.OK, "1 node, none of them silent")
    told = nodes(completeness(Within(sent, {}, 1, 0), {}, {"a": {"syslog_lost{full}": 2, "conntrack_lost": 1}}, window))
    since = "silent since 2027-01-15 07:00:00Z"
    assert (told.state, told.seen) == (State.WARN, f"b0 {since}, b1 {since}, b2 {since} and 2 more, a lost 3")


def test_a_server_that_has_nothing_is_to_be_looked_at():
    empty = Health(0, 0, None, None, 0, 0, {}, 1, 0)
    assert [(check.link, check.state) for check in server_checks("u", empty, 0)] == [("server", State.OK), ("stored", State.WARN)]
    assert "the newest of 3 s ago" in server_checks("u", held(), 5_000_000)[-1].seen
