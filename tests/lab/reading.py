"""The lines of one proxy, read and walked: what each says, and who is behind it."""

from typing import NamedTuple

from unmasq.model.address import to_text
from unmasq.model.ingress import Chunk, FileIdentity, Reject
from unmasq.read.formats.lines import LineReader
from unmasq.read.formats.proxies import FormatName, shapes_of
from unmasq.unwind.trust import TrustEntry, TrustList
from unmasq.unwind.walk import Verdict, read_headers, walk

READ_US = 1_900_000_000_000_000


class Read(NamedTuple):
    """One line: what it says, and who is behind it."""

    source: str
    source_port: int
    destination: str
    verdict: Verdict
    headers: dict[str, list[tuple[int, int]]]
    reject: Reject

    @property
    def client(self) -> str | None:
        return to_text(*self.verdict.client) or None


def read(lines: list[bytes], proxy: FormatName, trust: list[TrustEntry]) -> list[Read]:
    """The lines as a reader of that proxy's log takes them."""
    reader = LineReader(shapes=shapes_of(proxy))
    batch = reader.read(Chunk(FileIdentity(1, 1, ""), "log", 0, b"".join(line + b"\n" for line in lines)), READ_US)
    found = []
    for row, text in enumerate(reader.vocabulary.texts(batch.headers.tolist())):
        source = int(batch.source_hi[row]), int(batch.source_lo[row])
        headers = read_headers(text)
        verdict = walk(source, "socket", headers, TrustList(trust, 1))
        destination = to_text(int(batch.dest_hi[row]), int(batch.dest_lo[row]))
        reject = Reject(int(batch.reject[row]))
        found.append(Read(to_text(*source), int(batch.source_port[row]), destination, verdict, dict(headers.named), reject))
    return found
