"""Batches as tables in memory, made when a question comes and kept until they change."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager

import duckdb

from unmasq.keep.day import schema
from unmasq.keep.day.writing import Writer
from unmasq.model.flowbatch import FlowBatch


class Memory:
    """One database in memory at a time, and older ones as long as somebody reads them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        self._connection, self._name = connection, name
        self._lock = threading.Lock()
        self._key: Hashable = None
        self._made = 0
        self._users: Counter[str] = Counter()

    @contextmanager
    def holding(self, key: Hashable, batches: Sequence[FlowBatch]) -> Iterator[str]:
        """The name of a database that holds the batches; `key` stands for them: the same key, the same batches."""
        with self._lock:
            if self._made == 0 or key != self._key:
                self._replace(key, batches)
            name = self._current
            self._users[name] += 1
        try:
            yield name
        finally:
            with self._lock:
                self._users[name] -= 1
                if name != self._current:
                    self._drop(name)

    @property
    def _current(self) -> str:
        return f"{self._name}_{self._made}"

    def _replace(self, key: Hashable, batches: Sequence[FlowBatch]) -> None:
        old = self._current if self._made else None
        self._made += 1
        with self._connection.cursor() as cursor:
            cursor.execute(f"ATTACH ':memory:' AS {self._current}")
            schema.create(cursor, self._current)
            Writer(cursor, self._current).write(batches)
        self._key = key
        if old is not None:
            self._drop(old)

    def _drop(self, name: str) -> None:
        if self._users[name] == 0:
            with self._connection.cursor() as cursor:
                cursor.execute(f"DETACH {name}")
            del self._users[name]
