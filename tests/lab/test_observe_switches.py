"""The kernel's switches and namespaces, as unmasq turns and enters them."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from unmasq.base.errors import KernelError
from unmasq.model.address import parse
from unmasq.observe import namespace, switches

from . import topology as at
from .cluster import Lab
from .conntrack import entries
from .deadline import until

pytestmark = pytest.mark.needs("lab")
HERE = Path("/proc/thread-self/ns/net")


@pytest.fixture
def asleep(lab: Lab) -> Iterator[str]:
    """The namespace of a node on which nothing tracks connections."""
    lab.network.nat("none")
    lab.network.switches(on=False)
    lab.network.forget()
    yield lab.network.namespace("node")
    lab.network.run("node", ["nft", "-f", "-"], given="table inet unmasq { }\ndelete table inet unmasq\n")
    lab.network.reset(anyway=True)


def test_switched_off_nothing_is_seen_and_switched_on_it_is(lab: Lab, asleep: str) -> None:
    at_home = switches.state(None)
    lab.request("c1", at.INGRESS)
    assert switches.state(asleep).off == [
        "nf_conntrack_acct",
        "nf_conntrack_timestamp",
        "nf_conntrack_events",
        "a rule that tracks connections",
    ]
    assert switches.table_use(asleep)[0] == 0

    switches.turn_on(asleep)
    switches.turn_on(asleep)

    assert switches.state(asleep) == switches.Switches(accounting=True, timestamps=True, events=True, tracking=True)
    assert lab.network.switched() == {"acct": 1, "timestamp": 1, "events": 1}
    assert switches.state(None) == at_home
    lab.request("c1", at.INGRESS)
    (entry,) = until(lambda: [entry for entry in entries(lab.network) if entry.original.source == at.C1], "the connection's entry")
    assert entry.bytes_original > 0
    used, room = switches.table_use(asleep)
    assert 0 < used < room


def test_turning_on_leaves_other_rules_of_the_table_alone(lab: Lab, asleep: str) -> None:
    lab.network.run("node", ["nft", "add table inet unmasq; add set inet unmasq blocked { type ipv4_addr; }"])
    switches.turn_on(asleep)
    assert "blocked" in lab.network.run("node", ["nft", "list", "table", "inet", "unmasq"]).stdout


def test_without_nft_an_idle_namespace_is_unknown(lab: Lab, asleep: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches, "_program", lambda: None)
    assert switches.state(asleep).tracking is None
    with pytest.raises(KernelError, match="nft is not installed"):
        switches.turn_on(asleep)
    assert lab.network.switched() == {"acct": 1, "timestamp": 1, "events": 1}

    lab.network.nat("local")  # somebody else's rule
    lab.request("c1", at.INGRESS)
    assert switches.state(asleep).tracking


def test_addresses_of_a_namespace_are_those_of_its_interfaces(lab: Lab) -> None:
    found = namespace.addresses(lab.network.namespace("node"))
    ours = {at.NODE, at.NODE_V6, at.GATEWAY, at.GATEWAY_V6, "10.244.2.1", "2001:db8:f2::1", "127.0.0.1", "::1"}
    assert {parse(text) for text in ours} <= found
    assert found.isdisjoint({parse(at.INGRESS), parse(at.ROUTER)})
    assert found == namespace.addresses(str(lab.network.namespace_path("node")))


def test_only_the_calling_thread_moves_and_it_comes_home_after_an_error(lab: Lab) -> None:
    home = HERE.readlink()
    enter, leave = threading.Barrier(2, timeout=10), threading.Barrier(2, timeout=10)
    visited = []

    def visit() -> None:
        try:
            with namespace.entered(lab.network.namespace("node")):
                visited.append(HERE.readlink())
                enter.wait()
                leave.wait()
                Path("/nowhere").stat()
        except FileNotFoundError:
            visited.append(HERE.readlink())

    visitor = threading.Thread(target=visit)
    visitor.start()
    enter.wait()
    assert HERE.readlink() == home
    leave.wait()
    visitor.join()
    assert visited[0] != home
    assert visited[1] == home
