"""The batches that wait in a spool, in their order, and the account of those that were dropped.

Every call is within a block of the caller's, `transaction` where it changes anything.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, Self
from uuid import UUID

from unmasq.model import wire
from unmasq.model.flowbatch import FlowBatch, LineColumns

_COLUMNS = "flows, lines, rejected, translations"
_BEHIND_ALL = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'batches'"
_INSERT = f"""
INSERT OR IGNORE INTO batches (id, size, {_COLUMNS}, body, place) VALUES (?, ?, ?, ?, ?, ?, ?, coalesce(?, ({_BEHIND_ALL})))
"""
_DROPPED = f"""
INSERT INTO dropped (reason, batches, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (reason) DO UPDATE SET
batches = batches + excluded.batches, flows = flows + excluded.flows, lines = lines + excluded.lines,
rejected = rejected + excluded.rejected, translations = translations + excluded.translations
"""


class Content(NamedTuple):
    """What is in one batch or several: all of it is counted, whether it is sent or dropped."""

    batches: int = 0
    flows: int = 0
    lines: int = 0
    """Requests of the flows."""
    rejected: int = 0
    """Lines that were rejected."""
    translations: int = 0

    @classmethod
    def of(cls, batch: FlowBatch) -> Self:
        """Of one batch."""
        rejected = sum(each.count for each in batch.rejected)
        return cls(1, len(batch.flows), int(batch.flows.requests.sum()), rejected, len(batch.translations))


class Spooled(NamedTuple):
    """A batch that waits, as it goes over the wire."""

    number: int
    id: UUID
    content: Content
    body: bytes


def put(db: sqlite3.Connection, batch: FlowBatch, place: float | None = None) -> None:
    """A batch at a place, behind all others if none is named; one that is here already stays where it is."""
    # Which lines of which files it covers is of use to nobody else.
    body = wire.encode(replace(batch, files=[], lines=LineColumns.empty()))
    db.execute(_INSERT, (str(batch.id), len(body), *Content.of(batch)[1:], body, place))


def oldest(db: sqlite3.Connection, passing_over: Collection[int]) -> int | None:
    """The number of the oldest batch that is none of those."""
    question = "SELECT number FROM batches WHERE number NOT IN (SELECT value FROM json_each(?)) ORDER BY place, number LIMIT 1"
    row = db.execute(question, (json.dumps(list(passing_over)),)).fetchone()
    return int(row[0]) if row else None


def tried(db: sqlite3.Connection, number: int) -> Spooled | None:
    """A batch, if it is still here; from now on it may be with the server."""
    question = f"UPDATE batches SET tried = 1 WHERE number = ? RETURNING id, body, {_COLUMNS}"
    rows = db.execute(question, (number,)).fetchall()
    return Spooled(number, UUID(rows[0][0]), Content(1, *rows[0][2:]), rows[0][1]) if rows else None


def split(db: sqlite3.Connection, number: int, parts: Sequence[FlowBatch]) -> None:
    """Parts where the whole was, before all that is behind it; nothing where the whole is gone."""
    row = db.execute("SELECT place FROM batches WHERE number = ?", (number,)).fetchone()
    if row is None:
        return
    (here,) = row
    (behind,) = db.execute("SELECT coalesce(min(place), ? + 1) FROM batches WHERE place > ?", (here, here)).fetchone()
    forget(db, number)
    for count, part in enumerate(parts):
        put(db, part, here + (behind - here) * count / len(parts))


def surplus(db: sqlite3.Connection, limit_bytes: int) -> list[int]:
    """Which batches must go so that the rest is within the bound: the oldest, and last of all what the server may have."""
    (size,) = db.execute("SELECT coalesce(sum(size), 0) FROM batches").fetchone()
    going: list[int] = []
    for number, each in db.execute("SELECT number, size FROM batches ORDER BY tried, place") if size > limit_bytes else ():
        if size <= limit_bytes:
            break
        size -= each
        going.append(number)
    return going


def drop(db: sqlite3.Connection, reason: str, numbers: Sequence[int]) -> Content:
    """Give batches up, and enter in the account what was in those that are still here."""
    held = [db.execute(f"DELETE FROM batches WHERE number = ? RETURNING 1, {_COLUMNS}", (number,)).fetchall() for number in numbers]
    lost = Content(*map(sum, zip(Content(), *(row for rows in held for row in rows), strict=True)))
    if lost.batches:
        db.execute(_DROPPED, (reason, *lost))
    return lost


def dropped(db: sqlite3.Connection) -> Iterator[tuple[str, Content]]:
    """The account, by reason."""
    for reason, *counts in db.execute(f"SELECT reason, batches, {_COLUMNS} FROM dropped"):
        yield reason, Content(*counts)


def forget(db: sqlite3.Connection, number: int) -> None:
    """Let a batch go that is kept elsewhere."""
    db.execute("DELETE FROM batches WHERE number = ?", (number,))
