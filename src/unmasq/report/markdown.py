"""One address as Markdown for a ticket: everything that came from a log is inert text."""

from collections.abc import Iterator, Sequence

from unmasq.base.safe import markdown, shortened
from unmasq.find.answer import Trace
from unmasq.report import evidence
from unmasq.report.sentences import Teller, rest
from unmasq.show import words

_ASKED = 200


def lines(trace: Trace, teller: Teller) -> Iterator[str]:
    """A heading, the evidence as a table, the paths as a table, and what to do."""
    yield f"### {markdown(trace.address)}"
    yield ""
    yield markdown(teller.headline(trace)) + "."
    yield from _table(("evidence", "requests", ""), [(p.kind, words.count(p.requests), p.detail) for p in evidence.parts(trace)])
    ways = [(w.picture, words.count(w.requests), w.statuses, shortened(w.asked, _ASKED)) for w in evidence.ways(trace)]
    yield from _table(("path", "requests", "status", "asked for"), ways)
    yield ""
    if more := evidence.more_ways(trace):
        yield f"- {markdown(more)}"
    for label, sentences in rest(trace, teller):
        for sentence in sentences:
            yield f"- {label}: {markdown(sentence)}"


def short(trace: Trace, teller: Teller) -> Iterator[str]:
    """One line of a list."""
    yield f"- **{markdown(trace.address)}** {markdown(teller.headline(trace))}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if rows:
        yield ""
        yield f"| {' | '.join(head)} |"
        yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(markdown, row))} |"
