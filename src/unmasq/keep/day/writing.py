"""Appending to one database: a batch is one transaction that holds its rows, its number and the lines it covers."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import duckdb
import numpy as np
from numpy.typing import NDArray

from unmasq.base.errors import StoreError
from unmasq.base.safe import utf8
from unmasq.keep.day.runs import merged
from unmasq.keep.day.split import together
from unmasq.keep.day.tables import Tables
from unmasq.keep.day.texts import Texts
from unmasq.model.columns import Array, Columns
from unmasq.model.flowbatch import FlowBatch, Join, LineColumns, Rejected
from unmasq.model.ingress import TEXTS, FileIdentity

MANY_RUNS = 20_000
"""Rows of covered lines that were added before the whole table is merged."""


class Writer:
    """Gives rows their numbers and appends them to the tables of one database, which nobody else writes. Raises StoreError.

    It is of no use any more once it has failed.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, database: str) -> None:
        self._tables = Tables(cursor, database)
        self._files: dict[FileIdentity, int] = {}
        try:
            self._numbers()
        except duckdb.Error as error:
            raise self._cannot(error) from error

    def _numbers(self) -> None:
        """Where to go on counting."""
        self.flows, self._chains = self._tables.following("flow", "flows"), self._tables.following("chain", "chains")
        self._texts = Texts(self._tables)
        rows = self._tables.cursor.execute(f"SELECT device, inode, fingerprint, file FROM {self._tables.database}.files").fetchall()
        self._files = {FileIdentity(device, inode, fingerprint): file for device, inode, fingerprint, file in rows}
        self._runs = 0

    def write(self, batches: Iterable[FlowBatch]) -> None:
        """Append batches in one transaction: all of it or nothing, and on disk when it returns. Raises StoreError.

        A batch whose id the database holds, or that comes twice, is left out.
        """
        done = False
        try:
            self._tables.cursor.begin()
            fresh = self._fresh({batch.id: batch for batch in batches})
            for batch in together(fresh):
                self._append(batch)
            for batch in fresh:
                self._tables.insert("batches", _summary(batch))
            if self._runs > MANY_RUNS:
                self._merge_runs()
            self._tables.cursor.commit()
            done = True
        except duckdb.Error as error:
            raise self._cannot(error) from error
        finally:
            if not done:
                self._undo()

    def _cannot(self, error: duckdb.Error) -> StoreError:
        why = str(error).splitlines()[0]
        return StoreError(f"cannot write to {self._tables.database}", why, "is the disk full? `unmasq doctor` looks")

    def _undo(self) -> None:
        with suppress(duckdb.Error):  # what went wrong first is what is told; a database beyond use says so at every call
            self._tables.cursor.rollback()

    def _fresh(self, batches: dict[UUID, FlowBatch]) -> Sequence[FlowBatch]:
        known = f"SELECT id FROM {self._tables.database}.batches WHERE id IN (SELECT unnest($ids)::UUID)"
        rows = self._tables.cursor.execute(known, {"ids": [str(each) for each in batches]}).fetchall()
        held = {each for (each,) in rows}
        return [batch for batch in batches.values() if batch.id not in held]

    def _append(self, batch: FlowBatch) -> None:
        texts = self._texts.numbers(batch.texts)
        flows, chains = self.flows, self._chains
        self._tables.insert("flows", _moved(batch.flows, pod=texts) | {"flow": np.arange(flows, flows + len(batch.flows))}, node=batch.node)
        self._tables.insert(
            "chains", _moved(batch.chains, flow=flows, headers=texts) | {"chain": np.arange(chains, chains + len(batch.chains))}
        )
        self._tables.insert("asked", _moved(batch.asked, chain=chains, **dict.fromkeys(TEXTS, texts)))
        of_flow = batch.addresses.chain < 0
        self._tables.insert(
            "addresses", _moved(batch.addresses, flow=flows) | {"chain": np.where(of_flow, -1, batch.addresses.chain + chains)}
        )
        self._cover(batch.files, batch.lines)
        self._reject(batch.rejected)
        self.flows += len(batch.flows)
        self._chains += len(batch.chains)

    def _cover(self, files: list[FileIdentity], lines: LineColumns) -> None:
        fresh = [file for file in dict.fromkeys(files) if file not in self._files]
        for file in fresh:
            self._files[file] = len(self._files)
        self._tables.insert("files", {
            "file": np.array([self._files[file] for file in fresh], "i4"),
            "device": np.array([file.device for file in fresh], "u8"),
            "inode": np.array([file.inode for file in fresh], "u8"),
            "fingerprint": np.array([file.fingerprint for file in fresh], dtype=object),
        })  # fmt: skip
        numbers = np.array([self._files[file] for file in files], "i8")
        self._add_runs(numbers[lines.file], lines.start, lines.end)

    def _add_runs(self, file: Array, start: Array, stop: Array) -> None:
        file, start, stop = merged(file, start, stop)
        self._tables.insert("lines", {"file": file, "start": start, "stop": stop})
        self._runs += len(file)

    def _merge_runs(self) -> None:
        rows = self._tables.cursor.execute(f"SELECT file, start, stop FROM {self._tables.database}.lines").fetchnumpy()
        self._tables.cursor.execute(f"DELETE FROM {self._tables.database}.lines")
        self._add_runs(rows["file"], rows["start"], rows["stop"])
        self._runs = 0

    def _reject(self, rejected: list[Rejected]) -> None:
        self._tables.insert("rejects", {
            "reason": np.array([r.reason for r in rejected], "u1"),
            "amount": np.array([r.count for r in rejected], "i8"),
            "sample": np.array(utf8([r.sample for r in rejected]), dtype=object),
        })  # fmt: skip


def _moved(columns: Columns, **by: int | NDArray[np.int64]) -> dict[str, Array]:
    """The columns with row numbers moved by an offset, or looked up in an array."""
    changed = {name: getattr(columns, name) + to if isinstance(to, int) else to[getattr(columns, name)] for name, to in by.items()}
    return replace(columns, **changed).as_dict()


def _summary(batch: FlowBatch) -> dict[str, Array]:
    """What health asks of a batch, so that it need not read the flows."""
    flows = batch.flows
    joined = int(flows.requests[flows.join != Join.UNWITNESSED].sum())
    first, last = (int(flows.first_us.min()), int(flows.last_us.max())) if len(flows) else (0, 0)
    numbers = {"flows": len(flows), "chains": len(batch.chains), "requests": int(flows.requests.sum()), "joined": joined}
    texts = {"id": str(batch.id), "node": batch.node}
    return {name: np.array([number], "i8") for name, number in {**numbers, "first_us": first, "last_us": last}.items()} | {
        name: np.array([text], dtype=object) for name, text in texts.items()
    }
