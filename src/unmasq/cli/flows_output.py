"""Flows in the form that was asked for. Everything that came from a log is inert in each of them."""

import csv
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, tzinfo
from typing import Protocol

from unmasq.base.safe import cell, terminal
from unmasq.cli import output as out
from unmasq.keep.shapes import FlowPage
from unmasq.model.flow import Flow
from unmasq.report.columns import TABLE, WIDE, Column, chosen
from unmasq.serve.contract import body_of
from unmasq.show.columns import aligned


class Printer(Protocol):
    """One form."""

    tells_changes: bool
    """Whether a followed flow is worth a second line once it is closed."""

    def page(self, page: FlowPage) -> None:
        """A page, the first or only thing that is printed."""
        ...

    def more(self, flows: Sequence[Flow]) -> None:
        """Flows behind what was printed before."""
        ...


def printer_of(form: str, columns: str | None, *, headers: bool, utc: bool) -> Printer:
    """The printer of a form. Raises UsageError for columns that there are not, or in JSON."""
    zone = UTC if utc else None
    if form == "csv":
        return Csv(chosen(columns, WIDE), zone, headers=headers)
    if form in ("json", "jsonl"):
        return Json() if form == "json" else JsonLines()
    return Table(chosen(columns, WIDE if form == "wide" else TABLE), zone, headers=headers)


class Json:
    """The API's body."""

    tells_changes = True

    def page(self, page: FlowPage) -> None:
        out.write(body_of(page))

    def more(self, flows: Sequence[Flow]) -> None:
        JsonLines().more(flows)


class JsonLines:
    """A flow a line."""

    tells_changes = True

    def page(self, page: FlowPage) -> None:
        self.more(page.flows)

    def more(self, flows: Sequence[Flow]) -> None:
        out.write(b"".join(map(body_of, flows)))


class Csv:
    """A flow a line; no cell is a formula."""

    tells_changes = False

    def __init__(self, columns: Sequence[Column], zone: tzinfo | None, *, headers: bool) -> None:
        self._columns, self._zone, self._headers = columns, zone, headers

    def page(self, page: FlowPage) -> None:
        if self._headers:
            self._write([[column.name for column in self._columns]])
        self.more(page.flows)

    def more(self, flows: Sequence[Flow]) -> None:
        self._write([cell(column.text(flow, self._zone)) for column in self._columns] for flow in flows)

    def _write(self, rows: Iterable[Sequence[str]]) -> None:
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)


class Table:
    """Columns as wide as they need to be; on a narrow terminal texts are shortened, addresses never."""

    tells_changes = False

    def __init__(self, columns: Sequence[Column], zone: tzinfo | None, *, headers: bool) -> None:
        self._columns, self._zone, self._headers = columns, zone, headers

    def page(self, page: FlowPage) -> None:
        if page.flows:
            self._print(page.flows, headers=self._headers)

    def more(self, flows: Sequence[Flow]) -> None:
        self._print(flows, headers=False)

    def _print(self, flows: Sequence[Flow], *, headers: bool) -> None:
        rows = [[column.name.upper() for column in self._columns]] if headers else []
        rows += [[terminal(column.text(flow, self._zone)) for column in self._columns] for flow in flows]
        for line in aligned(rows, [column.kind for column in self._columns], out.width()):
            print(line)
