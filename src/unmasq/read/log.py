"""A log as others take it: the lines of its tail, out of their frames if it has any, with the pod that wrote it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.read.cri import Unframer
from unmasq.read.tail import Tail


class Log:
    """`pod` is NAMESPACE/POD, empty where it is not known."""

    def __init__(self, tail: Tail, unframer: Unframer, pod: str = "") -> None:
        self.tail, self._unframer, self._pod = tail, unframer, pod

    @property
    def begun(self) -> Mapping[FileIdentity, int]:
        """As `Tail.begun`."""
        return self.tail.begun

    @property
    def is_holding(self) -> bool:
        """Whether a line has begun whose end did not come yet."""
        return self._unframer.is_holding

    def poll(self, now_us: int) -> Iterator[Chunk]:
        """All whole lines that are there."""
        return self._lines(self.tail.poll(now_us))

    def finish(self) -> Iterator[Chunk]:
        """The named file to its end, and what has begun of a line, in one part or several."""
        yield from self._lines(self.tail.finish())
        yield from self.give_up()

    def give_up(self) -> Iterator[Chunk]:
        """The lines that have begun, as if they had ended: more will not come."""
        return (self._named(chunk) for chunk in self._unframer.finish())

    def close(self) -> None:
        """Let all files go."""
        self.tail.close()

    def _lines(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            yield from map(self._named, self._unframer.take(chunk))

    def _named(self, chunk: Chunk) -> Chunk:
        return replace(chunk, pod=self._pod) if self._pod else chunk
