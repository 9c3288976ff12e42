"""Whatever happens to a log and its reader: every line exactly once, but for those that were gone before they were read."""

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from unmasq.base.telemetry import Counters
from unmasq.read.coverage import HEAD_BYTES
from unmasq.read.lines import Window
from unmasq.read.tail import Tail


@dataclass(eq=False)
class Model:
    """A file on disk, under whatever name: the lines that it holds."""

    writer: int
    lines: list[bytes] = field(default_factory=list)
    half: bytes = b""  # what is still to be written of an unended line
    begun: bytes = b""  # what of it was written
    linked: bool = True
    followed: bool = False
    foreign: bool = False  # there before the reader knew anything


class LogStory(RuleBasedStateMachine):
    """A writer, a log rotation and a reader whose results are kept in any order."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="tail"))
        self.path = self.folder / "access.log"
        self.numbers = iter(range(1, 1_000_000))
        self.now_us = 0
        self.counters = Counters()
        self.covered = {}
        self.written, self.kept, self.seen, self.gone, self.fragments = set(), set(), {}, set(), set()
        self.failed = False
        self.before_failure = set()
        self.ever, self.doubtful = set(), set()
        self.old = []
        self.siblings = []
        self.tail: Any = None
        self.current = self.created()

    def teardown(self):
        try:
            if not self.failed:
                self.check_nothing_is_lost()
        finally:
            self.remove()

    def check_nothing_is_lost(self):
        if self.tail is None:
            self.start()
        self.poll()
        self.rename(reopens=True)  # files that were let go are looked at again when the folder changes
        self.poll()
        self.note_what_is_gone()
        lost = self.written - self.kept - self.seen.keys() - self.gone
        assert not lost, f"lost: {sorted(lost)}"
        assert self.counters.of("tail_lost_bytes") <= sum(map(len, self.gone | self.fragments))

    def remove(self):
        if self.tail is not None:
            self.tail.close()
        for model in [self.current, *self.old]:
            os.close(model.writer)
        shutil.rmtree(self.folder)

    def created(self):
        return Model(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644))

    def files(self):
        return [self.current, *self.old, *self.siblings]

    def rotated(self):
        return [*self.old, *self.siblings, *([] if self.path.exists() else [self.current])]

    # The writer

    @initialize()
    def begin(self):
        self.start()

    def line(self, padding):
        return b"%06d %s\n" % (next(self.numbers), b"x" * padding)

    def append(self, model, paddings):
        self.end_half(model)
        lines = [self.line(padding) for padding in paddings]
        os.write(model.writer, b"".join(lines))
        model.lines += lines
        self.written |= set(lines)

    def end_half(self, model):
        if model.half:
            os.write(model.writer, model.half)
            whole = model.begun + model.half
            model.half = model.begun = b""
            if whole in self.fragments:
                return
            model.lines.append(whole)
            self.written.add(whole)

    paddings = st.lists(st.sampled_from([0, 1, 20, 100, 300]), min_size=1, max_size=4)

    @rule(paddings=paddings)
    def write(self, paddings):
        self.append(self.current, paddings)

    @rule(padding=st.sampled_from([0, 20, 300]), cut=st.floats(0, 1))
    def write_half(self, padding, cut):
        self.end_half(self.current)
        line = self.line(padding)
        at = 1 + int(cut * (len(line) - 2))
        os.write(self.current.writer, line[:at])
        self.current.begun, self.current.half = line[:at], line[at:]

    @precondition(lambda self: self.old and self.tail)
    @rule(paddings=paddings, which=st.integers(0, 5))
    def write_late(self, paddings, which):
        model = self.old[which % len(self.old)]
        was_empty = not model.lines
        self.append(model, paddings)
        if was_empty:  # who stops before it was seen, and comes back to newer files, takes it for an old file of others
            self.poll()

    # The rotation

    def shift(self):
        for number in range(len(list(self.folder.iterdir())), 0, -1):
            name = self.folder / f"access.log.{number}"
            if name.exists():
                name.rename(self.folder / f"access.log.{number + 1}")

    @rule(reopens=st.booleans())
    def rename(self, reopens):
        if not self.path.exists():
            self.reopen()
            return
        self.shift()
        self.path.rename(self.folder / "access.log.1")
        if reopens:
            self.reopen()

    def reopen(self):
        self.old.append(self.current)
        self.current = self.created()

    @rule(before=st.booleans(), polled=st.booleans())
    def unlink_and_recreate(self, before, polled):
        if self.path.exists():
            self.path.unlink()
            self.current.linked = False
        if polled:
            self.poll()
        self.reopen()

    @precondition(lambda self: self.path.exists())
    @rule(copied=st.booleans(), polls=st.sets(st.sampled_from(["part", "whole", "late"])), late=st.lists(st.just(5), max_size=2))
    def truncate(self, copied, polls, late):
        if copied:
            self.copy(polls)
        if late:
            self.append(self.current, late)
        if "late" in polls:
            self.poll()
        if self.current.half:
            self.break_half()
        os.truncate(self.path, 0)
        self.current.lines = []

    def break_half(self):
        begun, half = self.current.begun, self.current.half
        self.fragments |= {begun, half, begun + half}

    def copy(self, polls):
        self.shift()
        data = self.path.read_bytes()
        with (self.folder / "access.log.1").open("wb") as copy:
            if "part" in polls:
                copy.write(data[: len(data) // 2])
                copy.flush()
                self.poll()
                copy.write(data[len(data) // 2 :])
            else:
                copy.write(data)
        self.fragments |= {self.current.begun} - {b""}
        self.siblings.append(Model(-1, list(self.current.lines)))
        if "whole" in polls:
            self.poll()

    @precondition(lambda self: self.tail is None and self.path.exists())
    @rule(count=st.integers(1, 3))
    def fail_power(self, count):
        """The log's last lines had not reached the disk; what the store keeps of them had. We start before the writer."""
        self.end_half(self.current)
        left = self.path.stat().st_size - sum(map(len, self.current.lines[-count:]))
        if left >= HEAD_BYTES:
            os.truncate(self.path, left)
            del self.current.lines[-count:]
            self.before_failure |= set(self.current.lines)
            self.start()

    # The reader

    @precondition(lambda self: self.tail)
    @rule()
    def stays(self):
        self.poll()

    def poll(self):
        if self.tail is None:
            return
        self.now_us += 250_000
        for chunk in self.tail.poll(self.now_us):
            at = chunk.start
            for line in chunk.data.splitlines(keepends=True):
                self.take(line, (chunk.file, at, at + len(line)))
                at += len(line)
        for model in self.files():
            model.followed |= model.linked

    def take(self, line, run):
        if line in self.fragments or (line in self.doubtful and line in self.kept | self.seen.keys()):
            return
        self.failed = True
        assert line in self.written, f"never written: {line!r}"
        assert line not in self.seen, f"twice: {line!r}"
        assert line not in self.kept, f"kept, and read again: {line!r}"
        self.failed = False
        self.seen[line] = run
        self.ever.add(line)

    @precondition(lambda self: self.tail)
    @rule()
    def time_passes(self):
        for model in [self.current, *self.old]:
            self.end_half(model)
        self.poll()
        self.now_us += 100_000_000
        self.poll()
        self.now_us += 100_000_000
        self.poll()
        for model in self.old[:]:
            if not model.linked:
                os.close(model.writer)
                self.old.remove(model)

    @precondition(lambda self: self.tail)
    @rule(seed=st.integers(0, 999), share=st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    def stop(self, seed, share):
        random = Random(seed)
        for line in sorted(self.seen):
            if random.random() < share:
                file, start, end = self.seen[line]
                self.covered.setdefault(file, []).append((start, end))
                self.kept.add(line)
        self.gone |= self.before_failure  # what is not kept of it by now is given up
        for file, offset in self.tail.begun.items():
            self.covered.setdefault(file, []).append((0, offset))
        self.tail.close()
        self.tail = None
        self.seen = {}
        for model in self.files():
            model.followed = False
        for model in self.rotated():
            model.foreign |= not model.lines  # nothing of it can be known at the next start

    @precondition(lambda self: self.tail is None)
    @rule()
    def start(self):
        heads = [data[: data.find(b"\n") + 1] for data in map(Path.read_bytes, self.folder.glob("access.log.*"))]
        if not self.ever.intersection(heads):
            for model in self.rotated():
                model.foreign = True
        for model in self.siblings:  # a copy is known by its first bytes only if it has as many as the fingerprint
            if sum(map(len, model.lines)) < HEAD_BYTES:
                model.foreign = True
                self.doubtful |= set(model.lines)
        self.tail = Tail(str(self.path), self.counters, self.covered, from_start=True, wait=True, window=Window.of(1000, 900))

    @invariant()
    def note_what_is_gone(self):
        there = {line for model in self.files() if (model.linked or model.followed) and not model.foreign for line in model.lines}
        self.gone |= self.written - there - self.kept - self.seen.keys()


LogStory.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None, report_multiple_bugs=False)
TestLogStory = LogStory.TestCase
