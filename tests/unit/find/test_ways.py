"""What the doctor says of the ways on which requests come."""

import pytest

from unmasq.find.alone import kernel_alone
from unmasq.find.check import Check, State
from unmasq.find.checks import checks, first_broken
from unmasq.find.ways import bypassed, silent_proxies, sources
from unmasq.keep.shapes import Health
from unmasq.model.health import NodeStatus

POD = "/proc/1234/ns/net"
HEALTH = Health(1, 1, 1, 1, 1, 1, {}, 0, 0)


def status(counters: dict[str, int] | None = None, **known: object) -> NodeStatus:
    told: dict[str, object] = {
        "node": "n", "started": "", "logs": ["l"], "kernel": True, "namespace": None, "blind": None, "switches_off": [],
        "connections_tracked": 0, "connections_most": 10, "listeners": [], "counters": counters or {}, "store_error": None,
    }  # fmt: skip
    return NodeStatus(**told | known)  # type: ignore[arg-type]


def joined(conntrack: int = 0, sockets: int = 0, nobody: int = 0) -> dict[str, int]:
    told = {"conntrack": conntrack, "sockets": sockets, "nobody": nobody}
    return {f"requests_joined{{{reason}}}": count for reason, count in told.items() if count}


def test_a_data_plane_beside_conntrack_is_named_with_the_namespace_to_watch():
    blind = status(joined(nobody=40), sockets_found={"/proc/9/ns/net": 1, POD: 12})
    (check,) = bypassed(blind)
    assert (check.state, "the proxy has 12 sockets open in /proc/1234/ns/net" in check.seen) == (State.BROKEN, True)
    assert check.next == f"leave the switches and run: unmasq run --no-kernel --sockets {POD}"
    assert first_broken(checks(blind, HEALTH)) == check


OFF = ["a rule that tracks connections"]
NOT_BYPASSED = {
    "conntrack shows them": status(joined(conntrack=36, nobody=4), sockets_found={POD: 1}),
    "no line yet": status(sockets_found={POD: 1}),
    "no socket anywhere": status(joined(nobody=40)),
    "the switches are off": status(joined(nobody=40), sockets_found={POD: 1}, switches_off=OFF),
    "conntrack is not asked": status(joined(nobody=40), sockets_found={POD: 1}, kernel=False),
}


@pytest.mark.parametrize("known", NOT_BYPASSED.values(), ids=NOT_BYPASSED)
def test_otherwise_nothing_is_said_of_it(known):
    assert bypassed(known) == []


def test_interfaces_of_a_known_data_plane_speak_louder_than_the_switches():
    known = status(joined(nobody=40), sockets_found={POD: 1}, switches_off=OFF, data_plane="Cilium")
    (check,) = bypassed(known)
    assert "the data plane (Cilium) bypasses it" in check.seen
    assert not any("set-switches" in each.next for each in checks(known, HEALTH))


def test_switches_are_not_called_for_where_they_may_be_of_no_use():
    """Also while there is no line yet by which anything could be found."""
    assert kernel(status(switches_off=OFF)).next == "unmasq doctor --set-switches"
    maybe = kernel(status(switches_off=OFF, data_plane="Cilium"))
    assert (maybe.state, "set-switches" in maybe.next) == (State.WARN, False)
    alone = kernel_alone(None, OFF, "Cilium", (0, 1))[0]
    assert (alone.state, alone.seen) == (State.WARN, maybe.seen)


def test_with_the_sockets_watched_all_is_well():
    (check,) = bypassed(status(joined(sockets=40, nobody=1), sockets=[POD]))
    assert (check.state, check.seen) == (State.OK, "the data plane bypasses conntrack: the sockets are watched instead")


def kernel(known: NodeStatus) -> Check:
    (check,) = (each for each in checks(known, HEALTH) if each.link == "kernel")
    return check


def test_a_node_that_found_the_bypass_itself_is_well_as_soon_as_it_watches_the_pods():
    found = status(pod_sockets="bypassed", sockets=[POD], switches_off=OFF)
    assert (kernel(found).state, kernel(found).seen) == (State.OK, "the data plane bypasses conntrack: the sockets are watched instead")
    lost = status(pod_sockets="bypassed", pods_missing={"shop/web": "no process of it is to be seen"})
    assert (kernel(lost).state, "hostPID" in kernel(lost).next) == (State.BROKEN, True)


def missed(**families: int) -> dict[str, int]:
    return {f"requests_missed{{{family}}}": count for family, count in families.items()}


def test_a_rule_of_one_family_is_named_where_requests_of_the_other_miss_their_connections():
    some = kernel(status(joined(conntrack=60, nobody=40) | missed(IPv6=40), untracked=["IPv6"]))
    assert (some.state, some.next) == (State.WARN, "unmasq doctor --set-switches adds a rule for both")
    assert some.seen.startswith(
        "40 requests over IPv6 came without their connections, and conntrack tracks none of IPv6: a rule of iptables"
    )
    none = status(joined(nobody=40) | missed(IPv6=40), untracked=["IPv6"], sockets_found={POD: 9})
    assert (kernel(none).state, "bypass" in kernel(none).seen) == (State.BROKEN, False)


OTHERWISE = {
    "all are joined": status(joined(conntrack=60), untracked=["IPv6"]),
    "the others miss theirs": status(joined(conntrack=60, nobody=1) | missed(IPv4=1), untracked=["IPv6"]),
    "both are tracked": status(joined(conntrack=60, nobody=1) | missed(IPv6=1)),
}


@pytest.mark.parametrize("known", OTHERWISE.values(), ids=OTHERWISE)
def test_otherwise_families_are_no_matter(known):
    assert kernel(known).seen.startswith("switches on")


def test_where_requests_of_both_families_miss_theirs_the_data_plane_bypasses_conntrack():
    both = status(joined(nobody=40) | missed(IPv4=30, IPv6=10), untracked=["IPv6"], sockets_found={POD: 9})
    assert "bypasses it" in kernel(both).seen


def pods(known: NodeStatus) -> list[Check]:
    return [each for each in checks(known, HEALTH) if each.link == "pods"]


def test_pods_whose_sockets_are_not_watched_are_named():
    assert pods(status(pods_missing={"shop/web": "?"})) == [], "conntrack suffices"
    (well,) = pods(status({"pod_spaces_vanished": 2}, pod_sockets="asked", sockets=[POD]))
    assert (well.state, "as was asked for; 2 of their namespaces went away" in well.seen) == (State.OK, True)
    (some,) = pods(status(pod_sockets="asked", pods_missing={f"shop/{number}": "gone" for number in range(5)}))
    assert (some.state, some.seen) == (
        State.WARN, "their sockets are not watched: shop/0: gone; shop/1: gone; shop/2: gone; and 2 more"
    )  # fmt: skip


def test_a_node_that_was_told_to_watch_nothing_but_pods_watches_the_kernel():
    assert not any(check.link == "kernel" for check in checks(status(kernel=False, pod_sockets="asked"), HEALTH))


@pytest.mark.parametrize("counter", ["translations_dropped{full}", "processes_passed_over", "pod_spaces_refused"])
def test_what_was_dropped_is_told(counter):
    (check,) = (each for each in checks(status({counter: 7}), HEALTH) if each.link == "drops")
    assert (check.state, check.seen) == (State.WARN, f"7 {counter}")


@pytest.mark.parametrize(
    ("by", "state", "seen"),
    [
        ({"preserved": 12, "elsewhere": 88}, State.WARN, "12 % of connections; on 88 % another node or balancer hides it"),
        ({"preserved": 12, "nat": 88}, State.OK, "12 % of connections; the rest is translated where the kernel is watched"),
        ({"preserved": 100}, State.OK, "100 % of connections"),
    ],
)  # fmt: skip
def test_the_share_of_preserved_sources_is_told(by, state, seen):
    (check,) = sources(status({f"sources{{{reason}}}": count for reason, count in by.items()}))
    assert (check.state, check.seen) == (state, f"source preserved on {seen}")
    assert ("externalTrafficPolicy Local" in check.next) == (state is State.WARN)


def test_a_few_connections_say_nothing_of_sources():
    assert sources(status({"sources{elsewhere}": 9})) == []


def test_a_trusted_proxy_that_is_silent_is_named():
    counters = {
        "trusted_requests{edge lb x-forwarded-for}": 100, "trusted_silent{edge lb x-forwarded-for}": 96,
        "trusted_requests{cdn x-real-ip}": 100, "trusted_silent{cdn x-real-ip}": 3, "trusted_requests{few x-real-ip}": 5,
        "trusted_silent{few x-real-ip}": 5,
    }  # fmt: skip
    (check,) = silent_proxies(status(counters))
    assert check.seen == "proxy edge lb is trusted but sends no X-Forwarded-For on 96 % of its requests"
    assert check.state is State.WARN


def test_a_place_that_cannot_be_watched_is_told_and_breaks_nothing():
    found = checks(status(troubles={"sockets in namespace web": "there is no network namespace web\n  why:  gone"}), HEALTH)
    (check,) = (each for each in found if each.link == "watch")
    assert (check.state, check.seen) == (State.WARN, "sockets in namespace web: there is no network namespace web why: gone")


def test_where_lines_do_not_name_their_listener_and_nobody_does_it_is_asked_for():
    """Before anything is said of the kernel, which is asked for no connection at all then."""
    blind = status({**joined(nobody=40), "lines_partial": 40})
    broken = first_broken(checks(blind, HEALTH))
    assert broken is not None
    assert (broken.link, broken.next) == ("listeners", "name each of them: unmasq run --listener ADDRESS:PORT")
    assert not any(check.link == "listeners" and check.state is State.BROKEN for check in checks(status(joined(nobody=40)), HEALTH))
