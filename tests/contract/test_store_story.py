"""Whatever happens to a store that is being filled: what was acknowledged is there once, and answers are those of the plain model."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.contract import plain
from tests.contract.stores import NOW_US, TRUSTED
from tests.contract.test_questions import RANGES, everything, flows, narrow, some
from tests.contract.traffic import MIDNIGHT_US, MINUTE_US, MadeFlow, batch
from unmasq.base.clock import DAY_US, ManualClock
from unmasq.keep.day.ageing import close_days, expire
from unmasq.keep.day.rejudge import rejudge
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.model.address import parse_range, to_text
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Evidence, FlowBatch
from unmasq.unwind.trust import TrustList, entry

TRUSTS = [TRUSTED, [], [entry("wrong", "198.51.100.0/24"), entry("edge", "203.0.113.0/24", "x-real-ip")]]
MINUTES = st.sampled_from([-2881, -1, 0, 1, 1441])
groups = st.lists(st.builds(lambda made, minute: MadeFlow(**vars(made) | {"minute": minute}), flows, MINUTES), min_size=1, max_size=4)


class StoreStory(RuleBasedStateMachine):
    """A node that keeps its own flows, or a server to which batches may come again; both may be killed.

    A flow has a number, from 1, and ten bytes of the log. What the store has not acknowledged is read, or sent, again after a start.
    """

    def __init__(self):
        super().__init__()
        self.folders = [Path(tempfile.mkdtemp(prefix="store"))]
        self.clock = ManualClock(NOW_US)
        self.made: list[MadeFlow] = []
        self.judged: dict[int, TrustList] = {}  # by which list a flow is judged, of those that can be found
        self.batches: list[tuple[list[int], FlowBatch]] = []
        self.waiting: set[int] = set()
        self.written: set[int] = set()  # also what was forgotten since
        self.forgotten: set[int] = set()

    @initialize(resent=st.booleans(), group=groups)
    def begin(self, resent, group):
        self.resent = resent
        self.open()
        self.append(group)

    def open(self):
        self.store = DuckStore(self.folders[-1])
        self.live = LiveStore(self.store, self.clock, resent=self.resent)

    def teardown(self):
        try:
            self.read_again()
            self.flush()
            assert self.written == set(range(1, len(self.made) + 1))
            self.is_as_the_model()
            self.ask(FlowFilter(), RANGES[-1])
        finally:
            self.store.close()
            for folder in self.folders:
                shutil.rmtree(folder)

    def trust(self):
        return self.store.control.trust_list()

    def day(self, number):
        return (MIDNIGHT_US + self.made[number - 1].minute * MINUTE_US) // DAY_US

    # What comes in

    @rule(group=groups, is_flushed=st.booleans())
    def append(self, group, is_flushed=False):
        first = len(self.made) + 1
        self.made += group
        self.put(list(range(first, first + len(group))))
        if is_flushed:
            self.flush()

    def put(self, numbers):
        """As new flows, judged by the list of today."""
        made = [self.made[number - 1] for number in numbers]
        self.batches.append((numbers, batch(made, self.trust(), first_id=numbers[0], first_line=10 * (numbers[0] - 1))))
        self.judged |= dict.fromkeys(numbers, self.trust())
        self.send(*self.batches[-1])

    def send(self, numbers, sent):
        self.live.append(sent)
        self.waiting |= set(numbers) - self.written

    @precondition(lambda self: self.resent and self.batches)
    @rule(which=st.integers(0, 99))
    def send_again(self, which):
        """A server takes a batch that it has, or had a short while ago, as if it had not come."""
        numbers, sent = self.batches[which % len(self.batches)]
        if not self.forgotten.intersection(numbers):
            self.send(numbers, sent)

    @precondition(lambda self: len(self.written | self.waiting) < len(self.made))
    @rule()
    def read_again(self):
        """After a start: what is neither written nor waits."""
        missing = set(range(1, len(self.made) + 1)) - self.written - self.waiting
        for numbers, sent in self.batches[:] if self.resent else ():
            if missing.intersection(numbers):
                self.send(numbers, sent)
        for number in () if self.resent else sorted(missing):
            self.put([number])

    # What happens to it

    @precondition(lambda self: self.waiting)
    @rule()
    def flush(self):
        self.live.flush()
        self.written |= self.waiting
        self.waiting = set()

    @precondition(lambda self: len(set(map(self.day, self.written - self.forgotten))) > 1)
    @rule()
    def close_days(self):
        list(close_days(self.store))

    @precondition(lambda self: len(set(map(self.day, self.written - self.forgotten))) > 1)
    @rule(days=st.integers(1, 2))
    def forget(self, days):
        found = self.written - self.forgotten
        newest = max(map(self.day, found), default=0)
        old = {number for number in found if self.day(number) < newest - days}
        assert set(expire(self.store, days, NOW_US)) == set(map(self.day, old))
        self.forgotten |= old

    @rule(entries=st.sampled_from(TRUSTS))
    def judge_again(self, entries):
        self.store.control.trust_set(entries, NOW_US)
        self.flush()
        list(rejudge(self.store))
        self.judged |= dict.fromkeys(self.written, self.trust())
        assert self.store.health().judged_by_older == 0

    @rule()
    def restart(self):
        self.store.close()
        self.waiting = set()
        self.open()

    @rule()
    def kill(self):
        """What is on disk at this moment, and nothing else, is what the next process finds."""
        self.folders.append(Path(tempfile.mkdtemp(prefix="store")))
        shutil.copytree(self.folders[-2], self.folders[-1], dirs_exist_ok=True)
        self.restart()

    # What it says

    @invariant()
    def is_as_the_model(self):
        documents = everything(self.live)
        expected = (self.written | self.waiting) - self.forgotten
        if self.resent:  # what waits there is found once it is written
            expected -= self.waiting
        assert Counter(plain.made_number(flow) for flow in documents) == Counter(expected)
        for flow in documents:
            assert self.told(flow) == self.as_judged(plain.made_number(flow)), flow
        covered = {at for each in self.live.covered() for start, stop in each.runs for at in range(start, stop)}
        assert covered == {at for number in self.written for at in range(10 * (number - 1), 10 * number)}

    def told(self, flow):
        return flow.source_ip, Counter((chain.requests, chain.client, chain.evidence) for chain in flow.unmasq.chains)

    def as_judged(self, number):
        made = self.made[number - 1]
        chains = batch([made], self.judged[number]).chains
        rows = zip(chains.requests.tolist(), chains.client_hi.tolist(), chains.client_lo.tolist(), chains.evidence.tolist(), strict=True)
        return made.source, Counter((requests, to_text(hi, lo) or None, Evidence(of).label) for requests, hi, lo, of in rows)

    @rule(wanted=narrow, asked=some(RANGES))
    def ask(self, wanted, asked):
        documents = everything(self.live)
        assert self.live.flows(wanted, limit=1000).flows == [flow for flow in documents if plain.lets_through(flow, wanted)]
        found = {s.role: (s.requests, s.connections, s.flows, s.first_us, s.last_us) for s in self.live.span(parse_range(asked), wanted)}
        assert found == plain.span(documents, self.made, parse_range(asked), wanted)


StoreStory.TestCase.settings = settings(max_examples=12, stateful_step_count=12)
TestStoreStory = StoreStory.TestCase
