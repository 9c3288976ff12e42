"""Lines of a pipe: what was read is gone, so nothing can be resumed."""

from collections.abc import Iterator
from typing import Protocol

from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.read.lines import CHUNK_BYTES, LONGEST_LINE, Window


class Readable(Protocol):
    """A binary stream that gives what is there without waiting for more: `sys.stdin.buffer`, `io.BytesIO`."""

    def readinto1(self, buffer: memoryview, /) -> int:
        """How many bytes were put into the buffer; 0 at the end of the stream."""
        ...


def read_stream(
    stream: Readable, counters: Counters, name: str, *, live: bool = False, chunk_bytes: int = CHUNK_BYTES, longest_line: int = LONGEST_LINE
) -> Iterator[Chunk]:
    """Whole lines as they come, to the end of the stream; the last one even without a newline. Waits for the writer.

    `name` must differ from stream to stream (the time of its start does): the identity is (0, 0, "stdin:NAME"). `live` says
    that the lines are being written now, as those of `kubectl logs -f --tail 0`.
    """
    identity = FileIdentity(0, 0, f"stdin:{name}")
    start = 0
    for data, skipped in _Cutter(stream, Window.of(chunk_bytes + longest_line, longest_line)).pieces():
        counters.add("tail_skipped_bytes", skipped, "too_long")
        yield Chunk(identity, "-", start, data, live, skipped)
        start += len(data) + skipped


class _Cutter:
    """Holds the bytes behind the last newline; of an over-long line only its beginning."""

    def __init__(self, stream: Readable, window: Window) -> None:
        self._stream = stream
        self._window = window
        self._held = 0
        self._dropped = 0

    def pieces(self) -> Iterator[tuple[bytes, int]]:
        """Whole lines with the number of bytes that were left out of the last one."""
        while self._fill():
            while piece := self._piece():
                yield piece
        if self._held:
            yield self._window.taken(self._held), self._dropped

    def _fill(self) -> int:
        with memoryview(self._window.buffer) as view:
            size = self._stream.readinto1(view[self._held :])
        self._held += size
        return size

    def _piece(self) -> tuple[bytes, int] | None:
        cut = 0 if self._dropped else self._window.whole(self._held)
        if cut:
            return self._let_go(self._window.taken(cut), cut)
        longest = self._window.longest
        if self._held <= longest:
            return None
        newline = self._window.buffer.find(b"\n", longest, self._held)
        if newline >= 0:
            return self._let_go(self._window.taken(longest) + b"\n", newline + 1)
        self._dropped += self._held - longest
        self._held = longest
        return None

    def _let_go(self, data: bytes, cut: int) -> tuple[bytes, int]:
        skipped = self._dropped + cut - len(data)
        self._window.buffer[: self._held - cut] = self._window.buffer[cut : self._held]
        self._held, self._dropped = self._held - cut, 0
        return data, skipped
