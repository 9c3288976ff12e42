"""Whatever a server does, every batch gets there once, or waits, or is counted; and a person is told once."""

import socket
import threading
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest

from tests.contract.traffic import MadeChain, MadeFlow, batch
from tests.lab.deadline import until
from tests.story.elsewhere import record
from tests.unit.node.faulty import Answer, Faulty, stored
from unmasq.base.clock import MICROSECONDS, ManualClock
from unmasq.base.errors import UsageError
from unmasq.base.telemetry import Counters
from unmasq.keep.spool.batches import Spool
from unmasq.model import wire
from unmasq.model.translation import Translations
from unmasq.node.asking import EVERY_SECONDS
from unmasq.node.settings import Told
from unmasq.node.ship import Shipper, Shipping
from unmasq.node.upstream import Upstream

NOW_US = 1_800_000_000_000_000
SETTINGS = b'{"trust_version": 3, "trust": [{"name": "e", "range": "203.0.113.0/24", "header": "x-forwarded-for"}], "news": 1}'


def numbered(number: int, flows: int = 2):
    chains = (MadeChain(requests=5),)
    return replace(batch([MadeFlow(port=n, chains=chains) for n in range(flows)], first_id=number * 100), id=UUID(int=number))


class Shipped:
    """A shipper with a spool of its own, whose clock goes on only when it is told to wait."""

    def __init__(self, folder, url: str, deadline_seconds: float = 5, **options) -> None:
        self.clock, self.counters, self.said = ManualClock(NOW_US), Counters(), list[str]()
        self.spool = Spool(folder, self.clock, self.counters, **options)
        self.told = Told(self.spool, self.counters)
        self.upstream = Upstream(url, lambda: "secret", deadline_seconds=deadline_seconds)
        self.shipper = Shipper(self.spool, self.upstream, self.told, self.clock, self.counters, lambda: 0.999, self.said.append)

    def steps(self, count: int) -> list[float]:
        """Take steps, and let the time pass that each of them says."""
        waits = []
        for _ in range(count):
            waits.append(self.shipper.step())
            self.clock.move_to(self.clock.now_us() + int(waits[-1] * MICROSECONDS) + 1)
        return waits

    def passes(self, seconds: float) -> None:
        """Let time pass without a step."""
        self.clock.move_to(self.clock.now_us() + int(seconds * MICROSECONDS))

    def lasts(self, seconds: float) -> None:
        """Take steps for so long."""
        end_us = self.clock.now_us() + int(seconds * MICROSECONDS)
        while self.clock.now_us() < end_us:
            self.steps(1)

    def left(self) -> int:
        return self.spool.backlog().batches

    def failed(self) -> dict[str, int]:
        return {reason: count for name, reason, count in self.counters.rows() if name == "ship_failed"}


@pytest.fixture
def shipped(tmp_path):
    made = list[Shipped]()

    def make(url: str, **options) -> Shipped:
        made.append(Shipped(tmp_path / "spool", url, **options))
        return made[-1]

    yield make
    for each in made:
        each.upstream.close()
        each.spool.close()


def well(path: str, body: bytes) -> Answer:
    return stored(body) if body else Answer(200, SETTINGS, (("etag", '"1"'),))


def first(answer: Answer):
    """Something else for the first batch that comes, then as it should be."""
    left = [answer]
    return lambda path, body: left.pop() if body and left else well(path, body)


def test_batches_go_oldest_first_with_the_token_and_are_forgotten(shipped):
    with Faulty(well) as server:
        ship = shipped(server.url)
        for number in (1, 2, 3):
            ship.spool.put(numbered(number))
        ship.steps(5)
        assert server.seen == [1, 2, 3]
        assert server.tokens == {"Bearer secret"}
    assert ship.left() == 0
    assert {name: ship.counters.of(f"ship_{name}") for name in ("batches", "flows", "lines")} == {"batches": 3, "flows": 6, "lines": 30}
    assert (ship.said, ship.failed()) == ([], {})


HTML = Answer(200, b"<html>please log in</html>", kind="text/html")
BUSY = Answer(429, b"", (("retry-after", "7"),))


@pytest.mark.parametrize(
    ("answer", "reason", "told"),
    [
        (Answer(500, b"oops", kind="text/plain"), "500", "500 with text/plain, which is none of unmasq serve"),
        (Answer(500, b'{"error": {"what": "it failed", "why": "a mistake", "next": ""}}'), "500", "500: it failed, a mistake"),
        (Answer(404), "404", "404"),
        (Answer(301, b"", (("location", "http://192.0.2.1/"),)), "301", "301"),
        (Answer(401), "401", "is the token right"),
        (Answer(403), "403", "is the token right"),
        (BUSY, "429", "429"),
        (Answer(503, b"<html>", (("retry-after", "soon"),), kind="text/html"), "503", "503"),
        (HTML, "foreign", "text/html is none of unmasq serve"),
        (Answer(200, b'{"id": "00000000-0000-0000-0000-000000000009"}'), "foreign", "another batch"),
        (Answer(200, b"{}"), "foreign", "none of unmasq serve"),
        (Answer(200, b"\x1b[31m", kind="x\x7fy"), "foreign", "none of unmasq serve"),
        (Answer(422, b'{"error": {"what": "a batch cannot be taken", "why": "damaged"}}'), "422", "damaged"),
    ],
)
def test_what_is_no_answer_is_told_once_counted_and_tried_again(shipped, answer, reason, told):
    with Faulty(first(answer)) as server:
        ship = shipped(server.url)
        ship.spool.put(numbered(1))
        ship.steps(6)
        assert server.seen == [1, 1]
    assert ship.left() == 0
    assert ship.failed() == {reason: 1}
    assert len(ship.said) == 2
    assert told in ship.said[0]
    assert all(text.isprintable() for text in ship.said)
    assert "get through again" in ship.said[1]


def test_a_server_that_asks_to_wait_is_not_asked_before(shipped):
    with Faulty(first(BUSY)) as server:
        ship = shipped(server.url)
        ship.spool.put(numbered(1))
        assert 7 <= ship.steps(1)[0] < 8
        ship.clock.move_to(ship.clock.now_us() - MICROSECONDS)
        assert 0 < ship.shipper.step() <= 1
        assert server.seen == [1]


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_tries_become_rarer_and_never_stop(shipped, status):
    tried_us = list[int]()

    def refuses(path, body):
        if body:
            tried_us.append(ship.clock.now_us())
        return Answer(status) if body else well(path, body)

    with Faulty(refuses) as server:
        ship = shipped(server.url)
        ship.spool.put(numbered(1))
        ship.lasts(900)
    waits = [(after - before) / MICROSECONDS for before, after in pairwise(tried_us)]
    assert waits[0] < 1
    assert waits[-5:] == pytest.approx([60] * 5, abs=1)
    assert (len(ship.said), ship.left()) == (1, 1)


def test_a_batch_that_is_refused_does_not_hold_up_the_others(shipped):
    def refuses_two(path, body):
        return Answer(422, b"{}") if body and wire.decode(body).id.int == 2 else well(path, body)

    with Faulty(refuses_two) as server:
        ship = shipped(server.url)
        for number in (1, 2, 3, 4):
            ship.spool.put(numbered(number))
        ship.steps(12)
        assert server.seen[:4] == [1, 2, 3, 4]
        assert set(server.seen[4:]) == {2}
        server.script = well
        ship.lasts(10)
    assert ship.left() == 0
    assert ship.counters.of("ship_lines") == 40


def failing_for_two(answer: Answer):
    return lambda path, body: answer if body and wire.decode(body).id.int == 2 else well(path, body)


@pytest.mark.parametrize("answer", [Answer(503, b"{}", (("retry-after", "2"),)), Answer(500), Answer(200, b"<html>")])
def test_a_batch_that_fails_again_and_again_lets_others_pass_and_is_not_given_up(shipped, answer):
    with Faulty(failing_for_two(answer)) as server:
        ship = shipped(server.url)
        for number in (1, 2, 3, 4):
            ship.spool.put(numbered(number))
        ship.lasts(30)
        assert [number for number in server.seen if number != 2] == [1, 3, 4]
        assert server.seen[:4] == [1, 2, 2, 2]
        assert ship.left() == 1
        ship.lasts(600)
        assert 10 < server.seen.count(2) < 30
        assert ship.shipper.trouble
        ship.spool.put(numbered(5))
        ship.steps(2)
        assert 5 in server.seen
        server.script = well
        ship.lasts(61)
    assert (ship.left(), ship.shipper.trouble) == (0, None)
    assert ship.counters.of("ship_lines") == 50
    assert len(ship.said) == 2


def test_what_fails_again_and_again_holds_nobody_up_however_much_of_it_there_is(shipped):
    def only_large_numbers(path, body):
        return Answer(500) if body and wire.decode(body).id.int < 50 else well(path, body)

    with Faulty(only_large_numbers) as server:
        ship = shipped(server.url)
        for number in range(40, 52):
            ship.spool.put(numbered(number))
        ship.lasts(10 * 60)
        assert server.seen.count(50) == server.seen.count(51) == 1


@pytest.mark.parametrize("status", [401, 429])
def test_while_nobody_is_let_in_the_order_stays(shipped, status):
    with Faulty(lambda path, body: Answer(status) if body else well(path, body)) as server:
        ship = shipped(server.url)
        for number in (1, 2, 3, 4):
            ship.spool.put(numbered(number))
        ship.lasts(600)
        assert set(server.seen) == {1}
        server.seen.clear()
        server.script = well
        ship.lasts(61)
    assert server.seen == [1, 2, 3, 4]


def test_what_was_dropped_meanwhile_is_in_trouble_no_more(shipped):
    with Faulty(failing_for_two(Answer(422, b"{}"))) as server:
        ship = shipped(server.url)
        ship.spool.put(numbered(2))
        ship.steps(1)
        ship.spool.drop(ship.spool.take(), "full")
        ship.spool.put(numbered(3))
        ship.steps(1)
    assert ship.shipper.trouble is None


@pytest.mark.parametrize("answer", [Answer(422, b"{}"), BUSY])
def test_what_the_server_says_it_does_not_have_is_dropped_like_any_other_the_oldest_first(shipped, answer):
    with Faulty(lambda path, body: answer if body else well(path, body)) as server:
        ship = shipped(server.url, limit_bytes=5000)
        for number in range(1, 20):
            ship.spool.put(numbered(number))
            ship.steps(1)
    assert ship.counters.of("spool_dropped_batches", "full") > 10
    left = 19 - ship.counters.of("spool_dropped_batches", "full")
    assert ship.spool.take().id.int == 20 - left


def test_a_late_answer_is_no_answer_and_the_batch_goes_again_under_its_id(shipped):
    release = threading.Event()
    with Faulty(first(Answer(200, b"{}", release=release))) as server:
        ship = shipped(server.url, deadline_seconds=0.3)
        ship.spool.put(numbered(1))
        ship.steps(1)
        assert (ship.failed(), ship.left()) == ({"late": 1}, 1)
        ship.steps(1)
        release.set()
        assert (server.seen, ship.left()) == ([1, 1], 0)


def test_a_batch_that_is_too_large_goes_in_parts_and_what_is_too_large_alone_is_counted(shipped):
    def only_single_flows(path, body):
        if body and (len(wire.decode(body)) > 1 or wire.decode(body).flows.source_port[0] == 2):
            return Answer(413)
        return well(path, body)

    with Faulty(only_single_flows) as server:
        ship = shipped(server.url)
        ship.spool.put(numbered(1, flows=4))
        ship.steps(12)
    assert ship.left() == 0
    assert ship.counters.of("ship_flows") == 3
    assert ship.counters.of("spool_dropped_lines", "too_large") == 5
    assert ship.counters.of("ship_lines") + ship.counters.of("spool_dropped_lines") == 20


def test_translations_that_are_too_large_go_in_parts(shipped):
    def only_single_records(path, body):
        return Answer(413) if body and len(wire.decode(body).translations) > 1 else well(path, body)

    with Faulty(only_single_records) as server:
        ship = shipped(server.url)
        told = Translations.concat([record(("192.0.2.1", port), 1) for port in range(5)])
        ship.spool.put(replace(batch([]), translations=told))
        ship.steps(12)
    assert ship.left() == 0
    assert (ship.counters.of("ship_batches"), ship.counters.of("ship_split")) == (5, 4)


def test_nobody_listens_and_then_somebody_does(shipped):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        ship = shipped(f"http://127.0.0.1:{port}")
        ship.spool.put(numbered(1))
        ship.steps(5)
        assert set(ship.failed()) == {"unreachable"}
        assert len(ship.said) == 1
        assert "cannot be reached" in ship.said[0]
    with Faulty(well, port):
        ship.steps(4)
    assert ship.left() == 0


def test_settings_are_fetched_taken_and_remembered(shipped, tmp_path):
    with Faulty(well) as server:
        ship = shipped(server.url)
        assert (ship.told.now.trust.version, ship.told.now.interval_seconds) == (0, 60)
        ship.steps(1)
        assert (ship.told.now.trust.version, [e.name for e in ship.told.now.trust.entries]) == (3, ["e"])
        server.script = lambda _path, _body: Answer(304)
        ship.passes(EVERY_SECONDS)
        ship.steps(1)
        assert ship.counters.of("ship_settings", "unchanged") == 1
    assert Told(ship.spool, ship.counters).now.trust.version == 3


def test_the_server_is_told_of_the_node_at_once_and_again_when_it_asks(shipped):
    told = list[bytes]()

    def heard(_path, body):
        told.append(body)
        return Answer(304 if body else 503)

    with Faulty(heard) as server:
        ship = shipped(server.url)
        ship.told.say("node-2", ("10.0.0.3",))
        ship.steps(1)
        assert (told, ship.told.is_news) == ([b'{"node":"node-2","addresses":["10.0.0.3"]}'], False)
        ship.told.say("node-2", ("10.0.0.3", "10.0.0.9"))
        ship.steps(2)
        assert len(told) == 2
        ship.passes(EVERY_SECONDS)
        ship.steps(1)
        assert told[1:] == [b'{"node":"node-2","addresses":["10.0.0.3","10.0.0.9"]}'] * 2


def test_what_the_server_did_not_hear_is_told_again(shipped):
    with Faulty(lambda _path, _body: Answer(500)) as server:
        ship = shipped(server.url)
        ship.told.say("node-2", ("10.0.0.3",))
        waits = ship.steps(3)
        assert ship.told.is_news
        assert min(waits) > 0


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"trust": [{"name": "e", "range": "everything", "header": "x-forwarded-for"}]}',
        b'{"trust": [{"name": "e", "range": "192.0.2.0/24", "header": "x-evil"}]}',
        b'{"interval_seconds": 0}',
        b'{"trust_version": -1}',
        b'{"node_ranges": ["x"]}',
        b'{"listeners": ["x"]}',
    ],
)
def test_settings_that_make_no_sense_are_not_taken_and_hold_nothing_up(shipped, body):
    with Faulty(well) as server:
        ship = shipped(server.url)
        ship.steps(1)
        server.script = lambda path, sent: stored(sent) if sent else Answer(200, body)
        ship.passes(EVERY_SECONDS)
        ship.spool.put(numbered(1))
        ship.steps(3)
        assert ship.left() == 0
    assert ship.told.now.trust.version == 3
    assert len(ship.said) == 1


def test_batches_go_on_where_only_the_settings_fail(shipped):
    with Faulty(lambda path, body: stored(body) if body else Answer(500)) as server:
        ship = shipped(server.url)
        ship.lasts(600)
        assert 10 < len(server.asked) < 30
        for number in (1, 2, 3):
            ship.spool.put(numbered(number))
        ship.steps(3)
        assert (server.seen, ship.left()) == ([1, 2, 3], 0)
    assert "500" in ship.shipper.trouble


def test_settings_go_on_where_only_batches_fail(shipped):
    with Faulty(lambda path, body: Answer(401) if body else well(path, body)) as server:
        ship = shipped(server.url)
        ship.spool.put(numbered(1))
        ship.lasts(600)
        assert server.asked.count("/api/v1/node-settings") == pytest.approx(600 / EVERY_SECONDS, abs=3)
    assert "401" in ship.shipper.trouble


def test_a_mistake_with_one_batch_is_told_and_counted_and_all_others_go(shipped, monkeypatch):
    with Faulty(well) as server:
        ship = shipped(server.url)
        send = ship.upstream.send

        def stumbling(batch, body):
            if batch.int == 2:
                raise RuntimeError("not thought of\x1b[31m")
            return send(batch, body)

        monkeypatch.setattr(ship.upstream, "send", stumbling)
        for number in (1, 2, 3):
            ship.spool.put(numbered(number))
        ship.steps(2)
        assert "RuntimeError: not thought of" in ship.shipper.broken
        assert ship.shipper.trouble == ship.shipper.broken
        ship.lasts(60)
        assert server.seen == [1, 3]
        assert ship.counters.of("ship_failed", "mistake") > 3
        monkeypatch.undo()
        ship.lasts(61)
    assert (ship.left(), ship.shipper.trouble) == (0, None)
    assert all(text.isprintable() for text in ship.said)


def test_a_spool_that_cannot_be_read_is_told_once_and_tried_again(shipped):
    with Faulty(well) as server:
        ship = shipped(server.url)
        ship.spool.close()
        ship.lasts(60)
    assert ship.counters.of("ship_failed", "spool") > 3
    assert len(ship.said) == 1
    assert "the spool cannot be written: " in ship.said[0]


def test_the_thread_outlives_a_spool_that_cannot_be_read(shipped):
    with Faulty(well) as server:
        ship = shipped(server.url)
        ship.spool.close()
        with Shipping(ship.shipper) as shipping:
            until(lambda: ship.shipper.broken, "the first failure")
            assert "the spool: " in (shipping.trouble or "")
        assert shipping.broken == "the thread that sends has ended"


def test_a_thread_of_its_own_empties_the_spool(shipped):
    with Faulty(well) as server:
        ship = shipped(server.url)
        for number in range(5):
            ship.spool.put(numbered(number + 1))
        with Shipping(ship.shipper) as shipping:
            shipping.leave(20)
        assert server.seen == [1, 2, 3, 4, 5]
    assert ship.left() == 0


@pytest.mark.parametrize(
    "url", ["", "unmasq:8470", "ftp://unmasq", "https://", "http://[::1", "http://127.0.0.1:99999", "http://127.0.0.1:8\u00b2"]
)
def test_what_is_no_url_is_refused(url):
    with pytest.raises(UsageError, match="not the URL"):
        Upstream(url, lambda: "")


def test_a_file_without_certificates_is_refused(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(UsageError, match="certificates"):
        Upstream("https://unmasq", lambda: "", tmp_path / "ca.pem")
