"""A log with known truth, through the program itself: what `explain` says of each line is what `run` keeps of all."""

import json
import subprocess
import sys
from collections import Counter

import duckdb
import pytest

from tests.truth.log import generate
from tests.truth.world import TRUST
from unmasq.keep.duck import DuckStore
from unmasq.model.address import parse_range, to_text
from unmasq.model.filter import FlowFilter

LINES = 20_000
UNMASQ = [sys.executable, "-c", "from unmasq.cli import main; main()"]
_CLIENTS = """
SELECT c.client_hi, c.client_lo, sum(c.requests)::BIGINT FROM day.chains c WHERE c.client_hi > 0 OR c.client_lo > 0 GROUP BY ALL
"""


def unmasq(*arguments):
    """What the program writes; fails unless it ends well."""
    return subprocess.run([*UNMASQ, *map(str, arguments)], capture_output=True, check=True, timeout=300)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """The generated log, the file that holds it, and the store that `run --once` made of it."""
    folder = tmp_path_factory.mktemp("truth")
    path, generated = folder / "access.log", generate(5, LINES)
    path.write_bytes(generated.data)
    unmasq("run", "--input", path, "--store", folder / "store", "--trust", ",".join(TRUST), "--once")
    return generated, path, folder / "store"


@pytest.fixture(scope="module")
def rows(log):
    _, path, _ = log
    done = unmasq("explain", "--input", path, "--trust", ",".join(TRUST), "-o", "jsonl")
    return [json.loads(line) for line in done.stdout.splitlines()]


def kept(store):
    """Requests by client, from the flows themselves."""
    found: Counter[str] = Counter()
    with store.view(FlowFilter()) as view:
        for hi, lo, requests in view.ask(view.union(_CLIENTS)):
            found[to_text(hi, lo)] += requests
    return found


def test_explain_has_a_row_for_every_line_and_each_is_right(log, rows):
    truths = log[0].truths
    assert [row["line"] for row in rows] == list(range(1, LINES + 1))
    right = [row["client"] == truth.client for row, truth in zip(rows, truths, strict=True)]
    assert sum(right) / LINES >= 0.999
    assert all(row["reject"] for row, is_right in zip(rows, right, strict=True) if not is_right)
    assert not [row for row, truth in zip(rows, truths, strict=True) if row["client"] in truth.lies]


def test_clients_of_explain_are_those_of_the_store(log, rows):
    explained = Counter(row["client"] for row in rows if row["client"])
    with DuckStore(log[2], read_only=True) as store:
        assert kept(store) == explained


def test_every_line_is_kept_or_its_reject_is_counted(log, rows):
    with DuckStore(log[2], read_only=True) as store:
        health = store.health()
    assert health.rejects == Counter(row["reject"] for row in rows if row["reject"])
    nameless = sum(1 for row in rows if row["reject"] and not row["source"] and not row["claims"])
    assert health.requests == LINES - nameless


def test_a_client_is_found_by_its_address_with_all_its_requests(log, rows):
    explained = Counter(row["client"] for row in rows if row["client"])
    with DuckStore(log[2], read_only=True) as store:
        for address, requests in [*explained.most_common(5), *explained.most_common()[-5:]]:
            spans = {span.role: span.requests for span in store.span(parse_range(address), FlowFilter())}
            assert spans["client"] == requests
            assert store.flows(FlowFilter(client=(address,)), limit=1).flows


def test_without_the_address_index_no_client_is_found(log, rows, tmp_path):
    """The index carries the answer: whoever stops filling it sees this test turn red, not only queries become slow."""
    address = Counter(row["client"] for row in rows if row["client"]).most_common(1)[0][0]
    for file in log[2].iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    for day in tmp_path.glob("*.duckdb"):
        with duckdb.connect(str(day)) as opened:
            opened.execute("DELETE FROM addresses; DELETE FROM lives")
    with DuckStore(tmp_path, read_only=True) as store:
        assert kept(store)[address] > 0, "the flows are still there"
        assert store.span(parse_range(address), FlowFilter()) == []
        assert store.flows(FlowFilter(client=(address,))).flows == []
