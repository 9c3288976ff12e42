"""One address on a terminal."""

from collections.abc import Iterator

from unmasq.base.safe import shortened, terminal
from unmasq.cli.output import Style, styled
from unmasq.find.answer import Trace
from unmasq.report import evidence
from unmasq.report.sentences import Teller, rest
from unmasq.show import words
from unmasq.show.columns import Kind, aligned

_LABEL = 12
_ADDRESS = 15  # of IPv4; a longer one moves the rest of its line, and is never cut
_STYLES: dict[str, Style] = {"direct": "green", "forwarded": "green", "only claimed": "yellow"}
_ASKED = 120  # of what was asked for on one path


def lines(trace: Trace, teller: Teller) -> Iterator[str]:
    """What a person is told, line by line; nothing in it can move the cursor or change colours."""
    yield f"{styled(trace.address, 'bold')}   {terminal(teller.headline(trace))}"
    yield from _parts(trace)
    yield from _ways(trace)
    for label, sentences in rest(trace, teller):
        for number, sentence in enumerate(sentences):
            yield styled(("" if number else label).ljust(_LABEL), "bold") + terminal(sentence)


def short(trace: Trace, teller: Teller) -> Iterator[str]:
    """One line of a list."""
    address = trace.address.ljust(_ADDRESS)
    yield f"{styled(address, 'bold') if trace.found else address}  {terminal(teller.headline(trace))}"


def _parts(trace: Trace) -> Iterator[str]:
    found = evidence.parts(trace)
    width = max((len(words.count(part.requests)) for part in found), default=0)
    for part in found:
        noun = "request " if part.requests == 1 else "requests"
        kind = part.kind.ljust(_LABEL)
        figure = f"{words.count(part.requests).rjust(width)} {noun}"
        yield f"  {styled(kind, _STYLES[part.kind]) if part.kind in _STYLES else kind}  {figure}   {terminal(part.detail)}"


def _ways(trace: Trace) -> Iterator[str]:
    rows = [(way.picture, words.count(way.requests), way.statuses, terminal(shortened(way.asked, _ASKED))) for way in evidence.ways(trace)]
    if rows:
        yield styled("paths", "bold")
    yield from (f"  {line}" for line in aligned(rows, (Kind(), Kind(is_number=True), Kind(), Kind())))
    if more := evidence.more_ways(trace):
        yield f"  {more}"
