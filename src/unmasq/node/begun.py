"""Which files reading began in: looked for in each source, and as a batch without flows."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from unmasq.base.clock import DAY_US
from unmasq.model.flowbatch import AddressColumns, AskedColumns, ChainColumns, FlowBatch, FlowColumns, LineColumns
from unmasq.model.ingress import FileIdentity


class Source(Protocol):
    """What names the files that it began to read, as `unmasq.read.tail.Tail` does."""

    @property
    def begun(self) -> Mapping[FileIdentity, int]: ...


class Begun:
    """The files of one source, each of which is to be committed once.

    A source may name all it ever read: that is looked through only where it is another mapping, or has grown.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._looked: Mapping[FileIdentity, int] = {}
        self._committed: set[FileIdentity] = set()
        self._is_news = False

    def fresh(self) -> dict[FileIdentity, int]:
        """What is not committed yet, with the offset of the first byte that is ours."""
        begun = self._source.begun
        if begun is self._looked and len(begun) == len(self._committed):
            return {}
        self._looked, self._is_news = begun, True
        return {file: offset for file, offset in begun.items() if file not in self._committed}

    def commit(self) -> None:
        """All that was looked at is committed; what the source does not name any more is forgotten."""
        if self._is_news:
            self._committed, self._is_news = set(self._looked), False


def begun_batch(node: str, begun: Mapping[FileIdentity, int], now_us: int) -> FlowBatch:
    """The bytes before each offset are covered: they are not ours to read."""
    count = len(begun)
    lines = LineColumns.filled(count, file=np.arange(count), end=np.array(list(begun.values())), day=now_us // DAY_US)
    empty = FlowColumns.empty(), ChainColumns.empty(), AskedColumns.empty(), AddressColumns.empty()
    return FlowBatch(node, *empty, texts=[], files=list(begun), lines=lines, rejected=[])
