"""In whatever order flows and records come, and however often the server is started anew: the store is as with a join of its own."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.story.remote_server import RemoteServer, telling
from tests.story.traffic import CLIENT, EDGE, NODE, NOON, OTHER, SECOND, Story, connection, line
from unmasq.base.telemetry import Counters
from unmasq.join.outgoing import Outgoing
from unmasq.model.address import to_text
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.translation import Translations

RANGES = ["10.0.0.0/24"]
PORTS = (4000, 4001)
TRUSTS: list[list[str]] = [["192.0.2.0/24"], [EDGE], ["10.0.0.0/8"], [CLIENT]]


class Visit(NamedTuple):
    """A connection through the other node; times in seconds, of the start behind the end of the last one with that port."""

    client: tuple[str, int]
    port: int
    gap: int
    length: int
    headers: tuple[str, ...]
    skew_ms: int


visits = st.lists(
    st.builds(
        Visit,
        st.tuples(st.sampled_from([CLIENT, OTHER, EDGE, NODE]), st.sampled_from([7000, 7001])),
        st.sampled_from(PORTS),
        st.integers(3, 80),
        st.integers(0, 130),
        st.lists(st.sampled_from(["-", "1.1.1.1", f"6.6.6.6, {OTHER}"]), max_size=3).map(tuple),
        st.integers(-400, 400),
    ),
    min_size=1,
    max_size=5,
)
steps = st.lists(st.tuples(st.integers(0, 99), st.sampled_from([0, 1, 9, 15]), st.sampled_from([False, False, True])), max_size=25)


def placed(of: Sequence[Visit]) -> list[tuple[int, int, Visit]]:
    """(start, end, visit), in microseconds: no port is used twice at a time."""
    free, found = dict.fromkeys(PORTS, NOON), []
    for visit in of:
        start = free[visit.port] + visit.gap * SECOND
        free[visit.port] = start + visit.length * SECOND
        found.append((start, free[visit.port], visit))
    return found


def happenings(of: Sequence[Visit], *, translated: bool) -> list[tuple[int, ConnectionBatch | str]]:
    """What the proxy's node sees, in order: connections and lines; with the translation if it was made there."""
    found: list[tuple[int, ConnectionBatch | str]] = []
    for id_, (start, end, visit) in enumerate(placed(of), 1):
        seen_as = (NODE, visit.port)
        opener = visit.client if translated else seen_as
        found.append((start, connection(opener, start, id_=id_, seen_as=seen_as)))
        at = [start + (end - start) * number // 4 for number in range(len(visit.headers))]
        found += [(when, line(*seen_as, header, at=when)) for when, header in zip(at, visit.headers, strict=True)]
        gone = connection(opener, end, id_=id_, event=ConnectionEvent.DESTROY, seen_as=seen_as, start=start, stop=end)
        found.append((end, gone))
    return sorted(found, key=lambda each: each[0])


def shipped(of: Sequence[Visit], trust: Sequence[str], *, translated: bool) -> list[FlowBatch]:
    """The batches of the proxy's node."""
    story, batches = Story(trust=trust, node_ranges=RANGES), list[FlowBatch | None]()
    for when, what in happenings(of, translated=translated):
        while story.now + 30 * SECOND < when:
            batches.append(story.after(30))
        batches.append(story.after((when - story.now) / SECOND))
        story.tell(what) if isinstance(what, str) else story.kernel(what)
    batches += story.desk.close(story.now, everything=True)
    return [batch for batch in batches if batch is not None]


def records(of: Sequence[Visit]) -> list[Translations]:
    """What the other node tells, by a clock of its own: each a record of one connection."""
    outgoing, found = Outgoing(Counters()), list[Translations]()
    for id_, (start, end, visit) in enumerate(placed(of), 1):
        for when, event, stop in ((start, ConnectionEvent.NEW, 0), (end, ConnectionEvent.DESTROY, end)):
            skew = visit.skew_ms * 1000
            outgoing.take(
                connection(visit.client, when + skew, id_=id_, event=event, seen_as=(NODE, visit.port), stop=stop and stop + skew)
            )
            found.append(outgoing.due(when, everything=True))
    return found


@settings(max_examples=20)
@given(visits, st.sampled_from(TRUSTS), steps)
def test_order_and_restarts_do_not_matter(made, trust, moves):
    ours, theirs, told = shipped(made, trust, translated=True), shipped(made, trust, translated=False), records(made)
    with RemoteServer(NOON, trust, RANGES) as server:
        left = [*theirs, *map(telling, told)]
        for number, seconds, is_restarted in moves:
            if left:
                server.take(left.pop(number % len(left)))
            server.after(seconds)
            if is_restarted:
                server.restart()
                left += [telling(each) for each in told]
        server.take(*left)
        server.settle()
        found = server.documents(), server.index()
    with RemoteServer(NOON, trust, RANGES) as server:
        server.take(*ours)
        assert found == (server.documents(), server.index())


@settings(max_examples=20)
@given(visits, steps)
def test_no_flow_is_ever_given_the_source_of_another_connection(made, moves):
    """Whatever has not come yet."""
    source_of = {(visit.port, start): visit.client[0] for start, _, visit in placed(made)}
    left = [*shipped(made, [], translated=False), *map(telling, records(made))]
    with RemoteServer(NOON, [], RANGES) as server:
        for number, seconds, _ in moves:
            if left:
                server.take(left.pop(number % len(left)))
            server.after(seconds)
            for port, start, *nat in named(server):
                assert to_text(*nat) == source_of[port, start]


def named(server: RemoteServer) -> list[tuple[int, ...]]:
    """(port, start, NAT source) of the stored flows that have a record."""
    question = "SELECT f.source_port, f.opened_us, f.nat_hi, f.nat_lo FROM day.flows f WHERE f.nat_lo > 0"
    with server.store.view(FlowFilter()) as view:
        return view.ask(view.union(question)) if view.sources else []
