"""What `run --once` keeps is what `explain` says; and it is the address index that carries the answer."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from tests.truth.log import generate
from tests.truth.traffic import Shape
from tests.truth.world import TRUST
from unmasq.keep.duck import DuckStore
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter

UNMASQ = str(Path(sys.executable).with_name("unmasq"))
LINES = 20_000
EVER = FlowFilter()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Counter[str]]:
    """The store of a generated log, and how many of its lines `explain` gives to each client."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "log").write_bytes(generate(3, LINES, Shape()).data)
    trust = ["--trust", ",".join(TRUST)]
    said = subprocess.run([UNMASQ, "explain", "--input", str(folder / "log"), *trust, "-o", "jsonl"], check=True, capture_output=True)
    rows = [json.loads(row) for row in said.stdout.splitlines()]
    assert len(rows) == LINES
    subprocess.run([UNMASQ, "run", "--once", "--input", str(folder / "log"), "--store", str(folder / "store"), *trust], check=True)
    return folder / "store", Counter(row["client"] for row in rows if row["client"])


def requests_of(store: DuckStore, address: str) -> int:
    return sum(span.requests for span in store.span(parse_range(address), EVER) if span.role == "client")


def test_the_clients_of_explain_are_those_of_the_store(kept: tuple[Path, Counter[str]]) -> None:
    folder, clients = kept
    days = sorted(folder.glob("flows-*.duckdb"))
    stored: Counter[tuple[int, int]] = Counter()
    for day in days:
        with duckdb.connect(str(day), read_only=True) as base:
            question = "SELECT client_hi, client_lo, sum(requests)::BIGINT FROM chains WHERE evidence > 0 GROUP BY ALL"
            stored.update({(hi, lo): count for hi, lo, count in base.execute(question).fetchall()})
    assert stored == Counter({parse_range(ip).first: count for ip, count in clients.items()})


def test_each_of_them_is_found_by_its_address(kept: tuple[Path, Counter[str]]) -> None:
    folder, clients = kept
    with DuckStore(folder, read_only=True) as store:
        for address, count in clients.most_common()[:: max(1, len(clients) // 60)]:
            assert requests_of(store, address) == count


def test_a_second_run_over_the_same_log_stores_nothing_twice(kept: tuple[Path, Counter[str]]) -> None:
    folder, _ = kept
    argv = [UNMASQ, "run", "--once", "--input", str(folder.parent / "log"), "--store", str(folder)]
    with DuckStore(folder, read_only=True) as store:
        before = store.health().requests
    assert b"read 0 lines" in subprocess.run(argv, check=True, capture_output=True).stderr
    with DuckStore(folder, read_only=True) as store:
        assert store.health().requests == before


def test_without_the_address_index_nobody_is_found(kept: tuple[Path, Counter[str]], tmp_path: Path) -> None:
    """Runs last: it takes the index away."""
    folder, clients = kept
    for day in folder.glob("flows-*.duckdb"):
        with duckdb.connect(str(day)) as base:
            base.execute("DELETE FROM addresses")
    with DuckStore(folder, read_only=True) as store:
        assert requests_of(store, clients.most_common(1)[0][0]) == 0
        assert not store.flows(FlowFilter(client=(clients.most_common(1)[0][0],))).flows
