"""The tables of one database, as whoever fills them sees them."""

from typing import NamedTuple

import duckdb

from unmasq.model.columns import Array


class Tables(NamedTuple):
    """A cursor in a transaction, and the name of the database. Raises duckdb.Error."""

    cursor: duckdb.DuckDBPyConnection
    database: str

    def insert(self, table: str, columns: dict[str, Array], **constants: str) -> None:
        """Rows behind those that are there; the constants stand in each."""
        if not len(next(iter(columns.values()))):
            return
        more = "".join(f", ${name} AS {name}" for name in constants)
        self.cursor.register("incoming", columns)
        self.cursor.execute(f"INSERT INTO {self.database}.{table} BY NAME SELECT *{more} FROM incoming", constants)
        self.cursor.unregister("incoming")

    def following(self, column: str, table: str) -> int:
        """The first number that no row has."""
        row = self.cursor.execute(f"SELECT coalesce(max({column}) + 1, 0) FROM {self.database}.{table}").fetchone()
        return int(row[0]) if row else 0
