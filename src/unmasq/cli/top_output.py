"""A ranking of addresses in the form that was asked for."""

import csv
import sys
from collections.abc import Sequence
from datetime import UTC, tzinfo

from unmasq.base.moments import text
from unmasq.base.safe import cell, terminal
from unmasq.cli import output as out
from unmasq.keep.shapes import Ranked, Top
from unmasq.serve.contract import body_of
from unmasq.show import words
from unmasq.show.columns import Kind, aligned

COLUMNS = ("address", "requests", "flows", "bytes_out", "evidence", "first", "last", "new")
_HEADERS = ("ADDRESS", "REQUESTS", "SHARE", "FLOWS", "BYTES OUT", "EVIDENCE", "FIRST", "LAST", "")
_NUMBER = Kind(is_number=True)
_KINDS = (Kind(), _NUMBER, _NUMBER, _NUMBER, _NUMBER, Kind(), Kind(), Kind(), Kind())


def show(found: Top, form: str, *, utc: bool) -> None:
    """Print it."""
    if form == "json":
        out.write(body_of(found))
    elif form == "jsonl":
        out.write(b"".join(map(body_of, found.ranked)))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([COLUMNS, *(_cells(each) for each in found.ranked)])
    elif found.ranked:
        _table(found, UTC if utc else None)


def _table(found: Top, zone: tzinfo | None) -> None:
    rows = [_HEADERS, *([terminal(each) for each in _row(ranked, found.requests, zone)] for ranked in found.ranked)]
    for line in aligned(rows, _KINDS, out.width()):
        print(line)
    print(f"{words.counted(found.requests, 'request')} of {words.counted(found.addresses, 'address')}")


def _row(each: Ranked, total: int, zone: tzinfo | None) -> Sequence[str]:
    bytes_out = "-" if each.bytes_out is None else words.count(each.bytes_out)
    figures = (words.count(each.requests), words.percent(each.requests, total), words.count(each.flows), bytes_out)
    evidence = ", ".join(map(words.evidence, each.evidence)) or "-"
    return (each.ip, *figures, evidence, words.time(each.first_us, zone), words.time(each.last_us, zone), "new" if each.is_new else "")


def _cells(each: Ranked) -> Sequence[object]:
    """Addresses, numbers and times cannot be formulas."""
    figures = (each.requests, each.flows, "" if each.bytes_out is None else each.bytes_out)
    evidence = cell(" ".join(each.evidence))
    return (each.ip, *figures, evidence, text(each.first_us), text(each.last_us), "yes" if each.is_new else "no")
