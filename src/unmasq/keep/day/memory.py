"""Batches as tables in memory, made when a question comes and kept as long as they are what questions ask."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb

from unmasq.keep.day import schema
from unmasq.keep.day.writing import Writer
from unmasq.model.flowbatch import FlowBatch

Making = Callable[[], Sequence[FlowBatch]]

LARGE_ROWS = 10_000
"""Flows and chains from which on a batch is worth a database of its own, which is made once and compressed: a flow of one request
takes a kilobyte otherwise."""


class Memory:
    """Databases in memory, each with the batches that its key stands for.

    Those of the newest picture stay, older ones as long as somebody reads them.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str, dropped: Callable[[str], object]) -> None:
        """`dropped` is told the name of each that is no more; none has it again."""
        self._connection, self._name, self._dropped = connection, name, dropped
        self._lock = threading.Lock()
        self._names: dict[Hashable, str] = {}
        self._wanted: tuple[int, Collection[Hashable]] = (-1, ())
        self._users: Counter[Hashable] = Counter()
        self._made = 0

    @contextmanager
    def pinned(self) -> Iterator[Collection[Hashable]]:
        """The keys of what is here, which stays meanwhile."""
        with self._lock:
            keys = list(self._names)
            self._users.update(keys)
        try:
            yield keys
        finally:
            self._leave(keys)

    @contextmanager
    def holding(self, number: int, parts: Mapping[Hashable, Making]) -> Iterator[list[str]]:
        """The names of databases that hold the parts of a picture; what makes a part is asked only where it is not here yet.

        Of pictures with different numbers the higher one is the newer.
        """
        with self._lock:
            for key, making in parts.items():
                if key not in self._names:
                    self._names[key] = self._create(making())
            names = [self._names[key] for key in parts]
            self._users.update(list(parts))
            if number >= self._wanted[0]:
                self._wanted = number, parts.keys()
        try:
            yield names
        finally:
            self._leave(list(parts))

    def _create(self, batches: Sequence[FlowBatch]) -> str:
        self._made += 1
        name = f"{self._name}_{self._made}"
        with self._connection.cursor() as cursor:
            cursor.execute(f"ATTACH ':memory:' AS {name} (COMPRESS)")
            schema.create(cursor, name)
            Writer(cursor, name).write(batches)
            if sum(batch.weight() for batch in batches) >= LARGE_ROWS:
                cursor.execute(f"CHECKPOINT {name}")
        return name

    def _leave(self, keys: Collection[Hashable]) -> None:
        with self._lock:
            self._users.subtract(keys)
            self._drop_unused()

    def _drop_unused(self) -> None:
        for key in [key for key in self._names if not self._users[key] and key not in self._wanted[1]]:
            self._drop(self._names.pop(key))
            del self._users[key]

    def _drop(self, name: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(f"DETACH {name}")
        self._dropped(name)
