"""From datagrams to the connections of our listeners."""

from tests.unit.observe.captures import CAPTURES, SEEN_US
from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE
from unmasq.model.connection import ConnectionEvent
from unmasq.observe.intake import Intake
from unmasq.observe.listeners import Listener, Listeners


def test_rows_come_in_order_and_the_rest_is_counted():
    counters = Counters()
    intake = Intake(counters, Listeners(counters, [Listener(*NONE, 80)]))
    names = ["new-tcp4-masquerade", "new-udp4", "new-icmp4", "update", "destroy-tcp4-masquerade"]
    batch = intake.take([*(CAPTURES[name] for name in names), CAPTURES["new-tcp6"][:100]], SEEN_US)
    assert batch.event.tolist() == [ConnectionEvent.NEW, ConnectionEvent.DESTROY]
    assert batch.seen_us.tolist() == [SEEN_US, SEEN_US]
    assert list(counters.rows()) == [("conntrack_malformed", "", 1), ("not_a_listener", "", 2)]
