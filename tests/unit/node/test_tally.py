"""What closed flows say of the ways on which requests came."""

from tests.story.traffic import CLIENT, EDGE, GATEWAY, NODE, NOON, OTHER, Story, connection, line
from unmasq.model.connection import Witnessed


def test_ways_are_counted_by_who_saw_them_what_became_of_the_source_and_who_is_silent():
    story = Story(trust=[EDGE], node_ranges=[NODE])
    story.kernel(
        connection((CLIENT, 4000), NOON, id_=1),
        connection((CLIENT, 4001), NOON, id_=2, seen_as=(GATEWAY, 4001), to=NODE),
        connection((NODE, 4002), NOON, id_=3),
        connection((EDGE, 4003), NOON, id_=4),
        connection((OTHER, 4004), NOON, id_=5, after=NOON, start=0, witness=Witnessed.SOCKET),
        connection((CLIENT, 4006), NOON, id_=6, seen_as=(GATEWAY, 4006), to=NODE),
    )
    story.tell(line(CLIENT, 4000), line(GATEWAY, 4001), line(GATEWAY, 4001), line(NODE, 4002), line(OTHER, 4004), line(OTHER, 1))
    story.tell(line("2001:db8::9", 1), line("2001:db8::9", 1))
    story.tell(line(EDGE, 4003, "192.0.2.1"), line(EDGE, 4003), line(GATEWAY, 4006, own=None))
    story.kernel()
    story.end()
    told = {
        f"{name} {reason}": count
        for name, reason, count in story.counters.rows()
        if name.split("_")[0] in ("requests", "sources", "trusted")
    }
    assert told == {
        "requests_joined conntrack": 7, "requests_joined sockets": 1, "requests_joined nobody": 3,
        "requests_missed IPv4": 1, "requests_missed IPv6": 2,
        "sources preserved": 3, "sources nat": 2, "sources elsewhere": 1,
        "trusted_requests lb x-forwarded-for": 2, "trusted_silent lb x-forwarded-for": 1,
    }  # fmt: skip
