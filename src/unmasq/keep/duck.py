"""The embedded default: a directory with one DuckDB file a day, control state, and a lock."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self
from uuid import UUID

import duckdb

from unmasq.base.errors import StoreDamaged, StoreError
from unmasq.keep.ask.answers import Answers, asked, told
from unmasq.keep.ask.completeness import Remembered, covered
from unmasq.keep.ask.sources import EVERYTHING, Source, View, days_within
from unmasq.keep.control.state import Control
from unmasq.keep.day.file import is_damage, name_of
from unmasq.keep.day.files import DayFiles
from unmasq.keep.day.split import by_day
from unmasq.keep.day.writing import Writer
from unmasq.keep.lock import Lock
from unmasq.keep.shapes import Covered
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import FlowBatch

OPEN_WRITERS = 3
"""Days whose texts are remembered. A backlog that jumps between more of them only stores some texts twice."""


@dataclass(frozen=True)
class Limits:
    """What the store may use of the machine."""

    memory_mb: int = 512
    """Of DuckDB's buffers; more than that spills to disk, in the store's directory."""
    threads: int = 1
    """That work on one question or batch. More of them make a small one slower and cost more of the processor in all."""
    spill_mb: int = 8192
    """That questions may put on disk for a while; a question that needs more is refused."""
    attached_days: int = 100
    """Day files that stay open while nobody uses them."""


class DuckStore(Answers):
    """Flows at rest. The owner appends; a reader only asks, and several readers may do so at once."""

    def __init__(self, folder: Path, *, read_only: bool = False, limits: Limits = Limits()) -> None:
        """Raises StoreBusy, StoreTooNew, or StoreError where there is nothing to read."""
        self.folder = folder
        self.moment = threading.RLock()  # what questions see changes only while it is held
        self._turn = threading.Lock()  # one transaction at a time
        self._writers: dict[int, Writer] = {}  # least recently used first
        self._below: dict[int, int] = {}  # of days written to: the first flow that questions do not see yet
        self._rewritten: Counter[int] = Counter()  # how often each day was
        self.remembered: Remembered = {}
        with ExitStack() as stack:
            stack.enter_context(Lock(folder, exclusive=not read_only))
            self.control = stack.enter_context(closing(Control(folder, read_only=read_only)))
            self.connection = stack.enter_context(closing(_engine(folder, limits)))
            self._writing = stack.enter_context(closing(self.connection.cursor()))
            self.days = DayFiles(folder, self.connection, read_only=read_only, attached=limits.attached_days)
            self._closing = stack.pop_all()

    def close(self) -> None:
        """Write what is pending in DuckDB's logs into its files, and let others in."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, batch: FlowBatch) -> None:
        for day, part in by_day(batch):
            self.append_day(day, [part])

    def append_day(self, day: int, parts: Iterable[FlowBatch], published: Callable[[], None] = lambda: None) -> None:
        """Keep what belongs to one day, in one transaction. `published` is called at the moment from which questions see it."""
        with self._turn, self.days.use([self._made(day)]):
            writer = self._writer(day)
            writer.write(parts)
            self._writers[day] = writer  # one that failed is not used again: it may have counted what was undone
            with self.moment:
                self._below[day] = writer.flows
                published()

    def holds(self, day: int, batch: UUID) -> bool:
        """Whether a batch of that id, or the part of it that belongs to the day, is on disk."""
        with self.at([day]) as view:
            return bool(view.sources and view.ask(view.union("SELECT 1 FROM day.batches WHERE id = $id"), {"id": str(batch)}))

    def _made(self, day: int) -> int:
        """The day, which has a file now, of which questions see nothing that is not published."""
        with self.moment:
            self._set_aside_if_damaged(day)
            if day not in self.days.days():
                self.days.ensure(day)
                self._below[day] = 0
        return day

    def _set_aside_if_damaged(self, day: int) -> None:
        try:
            with self.days.use([day]):
                return
        except StoreDamaged:
            self.days.set_aside(day)
            self._writers.pop(day, None)
            self._below.pop(day, None)
            self.remembered.pop(name_of(day), None)

    def _writer(self, day: int) -> Writer:
        writer = self._writers.pop(day, None) or Writer(self._writing, name_of(day))
        while len(self._writers) >= OPEN_WRITERS:
            del self._writers[next(iter(self._writers))]
        with self.moment:
            self._below.setdefault(day, writer.flows)
        return writer

    @contextmanager
    def changing(self, day: int) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction that rewrites what a day holds, committed at the end of the block. Its rows keep their numbers."""
        with self._turn, self.days.use([day]):
            try:
                self._writing.begin()
                yield self._writing
                self._writing.commit()
                self._rewritten[day] += 1
            except duckdb.Error as error:
                raise told(error) from error
            finally:
                self._end()

    def _end(self) -> None:
        """Undo what was not committed."""
        with suppress(duckdb.TransactionException):
            self._writing.rollback()

    def forget(self, day: int) -> bool:
        """Delete a day with its file, unless somebody reads it just now."""
        with self._turn, self.moment:
            gone = self.days.remove(day)
            if gone:
                self._writers.pop(day, None)
                self._below.pop(day, None)
            return gone

    def view(self, wanted: FlowFilter) -> AbstractContextManager[View]:
        return self.at(days_within(self.days.days(), wanted), without=(StoreError,))

    @property
    def unreadable(self) -> Mapping[str, str]:
        return self.days.unreadable

    @property
    def unwritten(self) -> Mapping[str, str]:
        return {}

    def covered(self) -> list[Covered]:
        """What a damaged day held is read again where its log is still there. Other trouble may pass, and raises StoreError."""
        view = partial(self.at, self.days.days(), without=(StoreDamaged,))
        return asked(view, lambda view: covered(view, self.control.retired_lines()))

    def _source(self, name: str, day: int, below: int | None, rewritten: int | None) -> Source:
        return Source(name, day, EVERYTHING if below is None else below, stamp=(day, below, rewritten))

    @contextmanager
    def at(self, days: Sequence[int], *, without: tuple[type[StoreError], ...] = ()) -> Iterator[View]:
        """What questions see of some days, without those that cannot be read in one of these ways. Raises StoreError."""
        with ExitStack() as stack:
            with self.moment:
                names = stack.enter_context(self.days.use(days, without=without))
                below, rewritten = dict(self._below), dict(self._rewritten)
            cursor = stack.enter_context(self.connection.cursor())
            try:
                sources = [self._source(name, day, below.get(day), rewritten.get(day)) for day, name in names.items()]
                yield View(cursor, sources, self.control.trust_list)
            except duckdb.Error as error:
                raise (self.days.find_damage(list(names)) if is_damage(str(error)) else None) or told(error) from error


def _engine(folder: Path, limits: Limits) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={
        "memory_limit": f"{limits.memory_mb}MB",
        "threads": limits.threads,
        "checkpoint_threshold": "64MB",  # what is not in the file yet is in memory: twice the time once that is full
        "temp_directory": str(folder / "spill"),
        "max_temp_directory_size": f"{limits.spill_mb}MB",
        "autoinstall_known_extensions": False,  # nothing is ever fetched from the network
        "autoload_known_extensions": False,
        "python_enable_replacements": False,  # a name in SQL is a table of ours, never a variable
    })  # fmt: skip
