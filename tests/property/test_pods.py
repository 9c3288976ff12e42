"""Whatever a runtime, a kubelet and a dying reader do: every line of a pod exactly once, and never in pieces."""

import shutil
import tempfile
from pathlib import Path
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.unit.read.kubelet import Container, Reader
from unmasq.model.ingress import Run

STREAMS = st.sampled_from(["stdout", "stdout", "stderr"])


class PodStory(RuleBasedStateMachine):
    """One container and a reader of which any part may be kept before it is killed."""

    def __init__(self):
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="pods"))
        self.web = Container(self.root, "shop/web")
        self.numbers = iter(range(1, 1_000_000))
        self.begun: dict[str, bytes] = {}
        self.written: set[bytes] = set()
        self.kept: set[bytes] = set()
        self.seen: dict[bytes, list[Run]] = {}
        self.covered = {}
        self.reader = Reader(self.root).start()

    def teardown(self):
        try:
            self.end("stdout")
            self.end("stderr")
            self.poll()
            assert self.written == self.kept | self.seen.keys()
        finally:
            self.reader.close()
            shutil.rmtree(self.root)

    # The runtime

    def text(self):
        return b"%06d " % next(self.numbers) + b"\xc3\xa9" * 3

    @rule(stream=STREAMS, count=st.integers(1, 4))
    def write(self, stream, count):
        self.end(stream)
        lines = [self.text() for _ in range(count)]
        self.web.write(*lines, stream=stream)
        self.written |= set(lines)

    @rule(stream=STREAMS, cut=st.integers(0, 13))
    def part(self, stream, cut):
        """The beginning of a line, or more of it."""
        line = self.text()
        self.web.write(line[:cut], tag="P", stream=stream)
        self.web.write(line[cut:], tag="P", stream=stream)
        self.begun[stream] = self.begun.get(stream, b"") + line

    @rule(stream=STREAMS)
    def end(self, stream):
        if stream in self.begun:
            last = self.text()
            self.web.write(last, stream=stream)
            self.written.add(self.begun.pop(stream) + last)

    # The kubelet

    @rule()
    def rotate(self):
        if self.web.path.stat().st_size:
            self.web.rotate()

    @rule()
    def start_again(self):
        """The container ends its lines; its log stays, and a new one begins."""
        self.end("stdout")
        self.end("stderr")
        self.web.restart()

    # The reader

    @rule(seconds=st.sampled_from([1, 2, 3, 70]))
    def poll(self, seconds=2):
        self.reader.poll(seconds)
        for chunk in self.reader.chunks:
            assert chunk.frames is not None
            for row, line in enumerate(chunk.data.removesuffix(b"\n").split(b"\n")):
                assert line in self.written, f"never written: {line!r}"
                assert line not in self.seen, f"twice: {line!r}"
                assert line not in self.kept, f"kept, and read again: {line!r}"
                own = Run(chunk.file, int(chunk.frames.start[row]), int(chunk.frames.end[row]))
                self.seen[line] = [own, *chunk.frames.parts.get(row, ())]

    @precondition(lambda self: self.seen)
    @rule(seed=st.integers(0, 999), share=st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    def kill(self, seed, share):
        random = Random(seed)
        for line in sorted(self.seen):
            if random.random() < share:
                self.kept.add(line)
                for file, start, end in self.seen[line]:
                    self.covered.setdefault(file, []).append((start, end))
        for file, offset in self.reader.pods.begun.items():
            self.covered.setdefault(file, []).append((0, offset))
        self.seen = {}
        self.reader.start(self.covered, from_start=False)


PodStory.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None, report_multiple_bugs=False)
TestPodStory = PodStory.TestCase
