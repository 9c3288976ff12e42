"""Whatever a pod sends: nothing raises, and each byte of a file is taken in once."""

import json
from collections import Counter as Tally

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fuzz.sending import credentials
from tests.unit.observe.policy_sync_messages import statistic
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.model.proto.felix_pb2 import DataplaneStats, HTTPData, Protocol
from unmasq.observe.policy_sync.ledger import Ledger, Refused
from unmasq.observe.policy_sync.reports import MOST_LINES, lines_of
from unmasq.read.formats.lines import LineReader

i32 = st.one_of(st.integers(-(2**31), 2**31 - 1), st.integers(0, 70_000), st.integers(0, 5))
odd = st.sampled_from(["", "-", "::", "1.1.1.1, 2.2.2.2", '1.1.1.1", "x', "[::1]:80"])
address = st.one_of(st.ip_addresses().map(str), st.text(max_size=20), odd)
some_statistic = st.builds(statistic, direction=i32, relativity=st.sampled_from([0, 1, 9]), kind=st.sampled_from([0, 3, 4, 9]), value=i32)
data = st.builds(HTTPData, x_forwarded_for=address, x_real_ip=address, count=i32)
protocol = st.one_of(st.builds(Protocol, number=i32), st.builds(Protocol, name=st.sampled_from(["tcp", "UDP", "", "x"])))
report = st.builds(
    DataplaneStats, src_ip=address, dst_ip=address, src_port=i32, dst_port=i32, protocol=protocol,
    stats=st.lists(some_statistic, max_size=3), http_data=st.lists(data, max_size=4),
)  # fmt: skip
believable = st.builds(
    DataplaneStats, src_ip=st.ip_addresses().map(str), dst_ip=st.just("10.0.0.1"), src_port=st.integers(1, 65535), dst_port=st.just(80),
    protocol=st.just(Protocol(name="tcp")), stats=st.just([statistic(relativity=1, kind=4, value=9)]), http_data=st.lists(data, max_size=4),
)  # fmt: skip


@given(st.one_of(report, believable))
def test_every_line_of_a_report_is_read_as_it_was_written(message):
    counters = Counters()
    lines = lines_of(message, "shop/web-1", counters)
    if lines is None:
        assert counters.of("policy_sync_reports_rejected") == 1
        return
    batch = LineReader().read(Chunk(FileIdentity(0, 0, "r"), "r", 0, lines, live=True), 1)
    assert len(batch) == lines.count(b"\n") <= MOST_LINES
    assert not batch.reject.any()
    assert batch.source_port.tolist() == [message.src_port] * len(batch)
    for line in lines.splitlines():
        payload = json.loads(line.removeprefix(b"unmasq: "))
        assert payload["reported_by"] == "shop/web-1"
        assert ("x-real-ip" in payload) != ("x-forwarded-for" in payload)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_raise_nothing_but_that(data):
    try:
        message = DataplaneStats.FromString(data)
    except DecodeError:
        return
    counters = Counters()
    lines = lines_of(message, "shop/web-1", counters)
    assert lines is not None or counters.of("policy_sync_reports_rejected") == 1, "what is not taken is counted"


@given(st.one_of(st.binary(max_size=100), st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.dictionaries(
    st.sampled_from(["Uid", "UID", "workload", "Namespace", "x"]), inner)).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_credentials_are_an_identity_or_said_to_be_none(data):
    credentials(data)


FILES = [FileIdentity(1, n, f"4-{n}") for n in range(2)]


class HandedOver(RuleBasedStateMachine):
    """A collector that starts anew whenever it likes, a node that commits and is started anew, both as the ledger has it."""

    def __init__(self):
        super().__init__()
        self.store: dict[FileIdentity, list[tuple[int, int]]] = {}
        self.taken: list[Chunk] = []
        self.committed: list[Chunk] = []
        self.ends = dict.fromkeys(FILES, 0)
        self.start_node()

    @rule()
    def start_node(self):
        """What was not committed is lost with it."""
        self.ledger, self.taken = Ledger("pod", self.store), []
        self.start_stream()

    @rule()
    def start_stream(self):
        self.stream, have = self.ledger.begin()
        self.left = {file: self.not_in(have.held.get(file, []), self.ends[file]) for file in FILES}
        self.known = set(have.held)

    @rule(file=st.sampled_from(FILES), size=st.integers(1, 5))
    def write(self, file, size):
        start = self.ends[file]
        self.ends[file] += size
        self.left[file].append((start, start + size))

    @rule(file=st.sampled_from(FILES))
    def send(self, file):
        if file not in self.known:
            self.ledger.begins(self.stream, file, 0)
            self.known.add(file)
        for start, end in self.left[file]:
            self.ledger.take(self.stream, Chunk(file, "log", start, b"x" * (end - start)))
        self.left[file] = []

    @rule()
    def poll(self):
        self.taken += self.ledger.drain()

    @rule(count=st.integers(1, 9))
    def commit(self, count):
        done, self.taken = self.taken[:count], self.taken[count:]
        self.committed += done
        for file, offset in self.ledger.begun.items():
            self.keep(file, 0, offset)
        for chunk in done:
            self.keep(chunk.file, chunk.start, chunk.start + len(chunk.data))

    @rule(file=st.sampled_from(FILES))
    def send_again(self, file):
        """What is held is refused."""
        if file in self.known and self.ends[file] and not self.left[file]:
            with pytest.raises(Refused, match="overlap"):
                self.ledger.take(self.stream, Chunk(file, "log", 0, b"x"))

    @rule(file=st.sampled_from(FILES))
    def send_by_an_old_stream(self, file):
        with pytest.raises(Refused, match="superseded"):
            self.ledger.take(self.stream - 1, Chunk(file, "log", 1000, b"x"))

    @invariant()
    def nothing_is_committed_twice(self):
        seen = Tally((chunk.file, at) for chunk in self.committed for at in range(chunk.start, chunk.start + len(chunk.data)))
        assert set(seen.values()) <= {1}

    def teardown(self):
        for file in FILES:
            self.send(file)
        self.poll()
        self.commit(10_000)
        assert sum(len(chunk.data) for chunk in self.committed) == sum(self.ends.values())

    def keep(self, file, start, end):
        self.store.setdefault(file, []).append((start, end))
        self.ledger.acknowledge(file, [(start, end)])

    @staticmethod
    def not_in(runs, end):
        held = {at for first, behind in runs for at in range(first, behind)}
        return [(at, at + 1) for at in range(end) if at not in held]


TestHandedOver = HandedOver.TestCase


@given(st.lists(st.sampled_from(["a", "ab", "b"]), min_size=2, max_size=2, unique=True))
def test_no_pod_can_say_anything_of_the_files_of_another(names):
    mine, other = (Ledger(name, {}) for name in names)
    file = FileIdentity(1, 2, "4-abc")
    stream, _ = mine.begin()
    mine.begins(stream, file, 0)
    mine.take(stream, Chunk(file, "log", 0, b"x\n"))
    [chunk] = mine.drain()
    mine.acknowledge(chunk.file, [(0, 2)])
    other.acknowledge(chunk.file, [(0, 2)])
    assert mine.begin()[1].held == {file: [(0, 2)]}
    assert other.begin()[1].held == {}
