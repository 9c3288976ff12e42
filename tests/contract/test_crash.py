"""Killed at any moment, the store holds every batch it acknowledged, nothing torn, and says exactly which lines it holds."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.contract.appender import CHAINS, FLOWS, numbered
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter

ROOT = Path(__file__).parents[2]
KILLS = 16


def killed(folder: Path, first: int, after_seconds: float) -> range:
    """Start an appender, let it acknowledge a batch and kill it a little later; returns the numbers that it acknowledged."""
    command = [sys.executable, "-m", "tests.contract.appender", str(folder), str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == f"{first}\n"
        time.sleep(after_seconds)
        child.kill()
        heard = [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return range(first, first + 1 + len(heard))


def held(store: DuckStore) -> dict[int, list[tuple[int, int, int]]]:
    """number of a batch -> for each day that has some of it: its flows, chains and addresses."""
    counted = f"""
        SELECT (id_lo - 1) // {FLOWS} AS number, count(*), sum(chains)::BIGINT, sum(addresses)::BIGINT FROM (
            SELECT id_lo, (SELECT count(*) FROM day.chains c WHERE c.flow = f.flow) AS chains,
                   (SELECT count(*) FROM day.addresses a WHERE a.flow = f.flow) AS addresses
            FROM day.flows f) GROUP BY number
    """
    found: dict[int, list[tuple[int, int, int]]] = {}
    with store.view(FlowFilter()) as view:
        for number, *counts in view.ask(view.union(counted)):
            found.setdefault(int(number), []).append(tuple(counts))
    return found


def lines_covered(store: DuckStore) -> set[int]:
    return {line // 10 for each in store.covered() for start, stop in each.runs for line in range(start, stop, 10)}


def lines_of_flows(store: DuckStore) -> set[int]:
    with store.view(FlowFilter()) as view:
        found = view.ask(view.union("SELECT id_lo FROM day.flows")) if view.sources else []
    return {int(flow) - 1 for (flow,) in found}


@pytest.mark.slow
def test_a_kill_loses_nothing_that_was_acknowledged_and_tears_nothing(tmp_path):
    seeded = random.Random(7)
    whole_day = (FLOWS // 2, FLOWS // 2 * CHAINS, FLOWS // 2 * (1 + 2 * CHAINS))  # source; client; claim that is the original source
    acknowledged: set[int] = set()
    found: dict[int, list[tuple[int, int, int]]] = {}
    for _ in range(KILLS):
        acknowledged.update(killed(tmp_path, max(found, default=-1) + 1, seeded.uniform(0, 0.2)))
        with DuckStore(tmp_path) as store:
            found = held(store)
            assert {counts for days in found.values() for counts in days} == {whole_day}
            assert all(len(found[number]) == 2 for number in acknowledged)
            assert lines_of_flows(store) == lines_covered(store)
    unheard = {number: len(days) for number, days in found.items() if number not in acknowledged}
    print(f"acknowledged {len(acknowledged)}; of others, days committed: {unheard}")


@pytest.mark.slow
def test_a_store_that_was_being_made_when_it_was_killed_can_be_used(tmp_path):
    seeded = random.Random(8)
    program = (
        "import sys; from pathlib import Path; from tests.contract import appender; print(flush=True); appender.main(Path(sys.argv[1]), 0)"
    )
    for number in range(12):
        folder = tmp_path / str(number)
        with subprocess.Popen([sys.executable, "-c", program, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout
            child.stdout.readline()
            time.sleep(seeded.uniform(0, 0.1))
            child.kill()
        with DuckStore(folder) as store:
            before = lines_of_flows(store)
            store.append(numbered(50))
            assert lines_of_flows(store) == lines_covered(store) == before | set(range(50 * FLOWS, 51 * FLOWS))
