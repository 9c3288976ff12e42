"""A spool holds what was put there, over kills and restarts, within its bound, and counts what it gives up."""

import random
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from tests.contract.traffic import LOG, MadeChain, MadeFlow, batch
from tests.story.elsewhere import record
from unmasq.base.clock import ManualClock, SystemClock
from unmasq.base.errors import StoreBusy, StoreError, StoreTooNew
from unmasq.base.telemetry import Counters
from unmasq.keep.day.split import halves
from unmasq.keep.spool import cover as spoolcover
from unmasq.keep.spool import file as spoolfile
from unmasq.keep.spool.batches import Spool
from unmasq.model import wire
from unmasq.model.flowbatch import LineColumns, Rejected
from unmasq.model.ingress import FileIdentity
from unmasq.model.translation import Translations

ROOT = Path(__file__).parents[4]
NOW_US = 1_800_000_000_000_000
DAY_US = 86_400_000_000


def numbered(number: int, flows: int = 3):
    """A batch of a number, with lines of its own; what it claims cannot be compressed away."""
    rng = random.Random(number)
    chains = (MadeChain((("x-forwarded-for", rng.randbytes(200).hex()),), requests=2),)
    made = batch([MadeFlow(port=n, chains=chains) for n in range(flows)], first_id=number * flows + 1, first_line=number * flows * 10)
    return replace(made, id=UUID(int=number + 1))


def waiting(spool: Spool) -> list[int]:
    found = dict[int, int]()
    while taken := spool.take(found.keys()):
        assert wire.decode(taken.body).id == taken.id
        found[taken.number] = taken.id.int - 1
    return list(found.values())


def spool(folder, counters=None, clock=None, **options):
    return Spool(folder, clock or ManualClock(NOW_US), counters or Counters(), **options)


def test_batches_come_back_oldest_first_until_they_are_forgotten(tmp_path):
    with spool(tmp_path) as opened:
        for number in range(3):
            opened.put(numbered(number))
        first = opened.take()
        assert first is not None
        assert first.content == (1, 3, 6, 0, 0)
        opened.forget(first)
    with spool(tmp_path) as opened:
        assert waiting(opened) == [1, 2]
        assert opened.backlog().batches == 2
        assert opened.covered() == {LOG: [(0, 90)]}
    assert [path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077] == []


def test_a_batch_that_is_put_twice_is_there_once(tmp_path):
    with spool(tmp_path) as opened:
        opened.put(numbered(1))
        opened.put(numbered(1))
        assert waiting(opened) == [1]


def test_a_batch_of_translations_alone_waits_like_any_other(tmp_path):
    with spool(tmp_path) as opened:
        opened.put(replace(batch([]), translations=record(("192.0.2.1", 7000), 1)))
        opened.put(batch([]))
        assert opened.backlog().batches == 1
        taken = opened.take()
        assert taken is not None
        assert wire.decode(taken.body).translations.orig_source_port.tolist() == [7000]


def test_over_the_bound_the_oldest_go_and_are_counted_and_their_lines_stay_covered(tmp_path):
    size = len(wire.encode(numbered(0)))
    counters = Counters()
    with spool(tmp_path, counters, limit_bytes=size * 4 + size // 2) as opened:
        for number in range(10):
            opened.put(numbered(number))
        assert waiting(opened) == [6, 7, 8, 9]
        assert opened.covered() == {LOG: [(0, 300)]}
    expected = {"spool_dropped_batches": 6, "spool_dropped_flows": 18, "spool_dropped_lines": 36}
    assert {name: count for name, _, count in counters.rows()} == expected
    again = Counters()
    with spool(tmp_path, again):
        assert {name: count for name, _, count in again.rows()} == expected


def test_what_may_be_with_the_server_is_dropped_last(tmp_path):
    size = len(wire.encode(numbered(0)))
    with spool(tmp_path, limit_bytes=size * 2 + size // 2) as opened:
        opened.put(numbered(0))
        assert opened.take()
        for number in range(1, 5):
            opened.put(numbered(number))
        assert waiting(opened) == [0, 4]
    with spool(tmp_path, limit_bytes=1) as opened:
        opened.put(numbered(9))
        assert waiting(opened) == []


def test_what_the_server_does_not_have_is_dropped_in_its_turn(tmp_path):
    size = len(wire.encode(numbered(0)))
    with spool(tmp_path, limit_bytes=size * 2 + size // 2) as opened:
        opened.put(numbered(0))
        opened.not_taken(opened.take())
        for number in range(1, 5):
            opened.put(numbered(number))
        assert waiting(opened) == [3, 4]


def test_all_that_was_in_a_batch_is_counted_where_it_is_dropped(tmp_path):
    rejected = [Rejected(20_000, 2, 1200, "x"), Rejected(20_001, 3, 34, "y")]
    told = Translations.concat([record(("192.0.2.1", port), 1) for port in range(5)])
    expected = {"batches": 1, "flows": 3, "lines": 6, "rejected": 1234, "translations": 5}
    counters = Counters()
    with spool(tmp_path, counters, limit_bytes=1) as opened:
        opened.put(replace(numbered(0), rejected=rejected, translations=told))
    again = Counters()
    with spool(tmp_path, again):
        for counted in (counters, again):
            assert {name: counted.of(f"spool_dropped_{name}", "full") for name in expected} == expected


def test_a_batch_is_replaced_by_its_halves_or_given_up(tmp_path):
    counters = Counters()
    with spool(tmp_path, counters) as opened:
        opened.put(numbered(0, flows=4))
        taken = opened.take()
        assert taken is not None
        opened.replace(taken, halves(wire.decode(taken.body)))
        first = opened.take()
        assert first is not None
        assert opened.backlog().batches == 2
        assert first.content == (1, 2, 4, 0, 0)
        opened.drop(first, "too_large")
        assert opened.backlog().batches == 1
        assert opened.covered() == {LOG: [(0, 40)]}
    assert counters.of("spool_dropped_lines", "too_large") == 4


def test_halves_stand_where_the_whole_was(tmp_path):
    with spool(tmp_path) as opened:
        for number in range(3):
            opened.put(numbered(number, flows=4))
        for size in (4, 2):
            whole = opened.take()
            assert whole is not None
            assert whole.content.flows == size
            opened.replace(whole, halves(wire.decode(whole.body)))
        found = [opened.take()]
        while taken := opened.take([each.number for each in found]):
            found.append(taken)
        assert [wire.decode(each.body).flows.id_lo.tolist() for each in found] == [[1], [2], [3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]


def test_a_whole_that_was_dropped_meanwhile_is_neither_replaced_nor_counted_twice(tmp_path):
    counters = Counters()
    with spool(tmp_path, counters, limit_bytes=1) as opened:
        with spool(tmp_path / "other") as other:
            other.put(numbered(0, flows=4))
            taken = other.take()
        assert taken is not None
        opened.put(numbered(0, flows=4))
        opened.replace(taken, halves(wire.decode(taken.body)))
        opened.drop(taken, "too_large")
        assert waiting(opened) == []
    assert counters.of("spool_dropped_lines") == 8


def test_halves_have_all_of_the_batch_and_always_the_same_names():
    whole = numbered(5, flows=5)
    first, rest = halves(whole)
    assert [len(first), len(rest)] == [2, 3]
    assert len(first.addresses) + len(rest.addresses) == len(whole.addresses)
    assert np.array_equal(np.concatenate([first.flows.id_lo, rest.flows.id_lo]), whole.flows.id_lo)
    assert (len(first.lines), len(rest.lines)) == (len(whole.lines), 0)
    assert [part.id for part in halves(whole)] == [first.id, rest.id]
    assert len({first.id, rest.id, whole.id}) == 3
    for part in (first, rest):
        wire.decode(wire.encode(part))


def test_lines_without_flows_are_covered_and_sent_to_nobody(tmp_path):
    with spool(tmp_path) as opened:
        opened.cover(numbered(0))
        assert opened.covered() == {LOG: [(0, 30)]}
        assert waiting(opened) == []


def test_the_file_that_was_read_last_comes_last(tmp_path):
    clock, others = ManualClock(0), [FileIdentity(1, inode, "x") for inode in (2, 3)]
    with spool(tmp_path, clock=clock) as opened:
        for at_us, file in enumerate([LOG, *others, LOG]):
            clock.move_to(at_us)
            opened.cover(replace(numbered(at_us, 1), files=[file]))
        assert list(opened.covered()) == [*others, LOG]


def test_many_runs_are_merged_as_they_come(tmp_path, monkeypatch):
    monkeypatch.setattr(spoolcover, "MANY_RUNS", 10)
    with spool(tmp_path) as opened:
        for number in range(20):
            opened.put(numbered(number))
        assert opened.covered() == {LOG: [(0, 600)]}
    with sqlite3.connect(tmp_path / "spool.sqlite") as db:
        assert db.execute("SELECT count(*) FROM lines").fetchone()[0] < 12


def test_files_that_are_long_gone_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(spoolcover, "MOST_FILES", 2)
    clock = ManualClock(NOW_US)

    def covering(opened, inode):
        files = [FileIdentity(1, inode, "10-aa")]
        opened.cover(replace(numbered(0), files=files, lines=LineColumns.filled(1, end=10)))

    with spool(tmp_path, clock=clock) as opened:
        covering(opened, 1)
        covering(opened, 2)
        clock.move_to(NOW_US + 8 * DAY_US)
        covering(opened, 3)
    with spool(tmp_path, clock=clock) as opened:
        assert {file.inode for file in opened.covered()} in ({2, 3}, {1, 3})
        covering(opened, 4)
    with spool(tmp_path, clock=clock) as opened:
        assert {file.inode for file in opened.covered()} == {3, 4}


def test_notes_are_kept(tmp_path):
    with spool(tmp_path) as opened:
        assert opened.noted("settings") is None
        opened.note("settings", b"1")
        opened.note("settings", b"2")
    with spool(tmp_path) as opened:
        assert opened.noted("settings") == b"2"


def test_a_spool_has_one_owner(tmp_path):
    with spool(tmp_path), pytest.raises(StoreBusy):
        spool(tmp_path)


def test_what_is_no_spool_of_ours_is_refused(tmp_path):
    (tmp_path / "spool.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(StoreError, match="cannot be read as a spool"):
        spool(tmp_path)
    (tmp_path / "spool.sqlite").unlink()
    spool(tmp_path).close()
    with sqlite3.connect(tmp_path / "spool.sqlite") as db:
        db.execute("PRAGMA user_version = 3")
    with pytest.raises(StoreTooNew):
        spool(tmp_path)


def test_a_spool_of_the_first_version_is_brought_up_to_date(tmp_path):
    with closing(sqlite3.connect(tmp_path / "spool.sqlite", isolation_level=None)) as db:
        db.executescript(f"{spoolfile.FIRST} PRAGMA user_version = 1;")
        for number in (7, 3):
            body = wire.encode(numbered(number))
            db.execute("INSERT INTO batches VALUES (?, ?, ?, 3, 6, 0, ?)", (number, str(UUID(int=number + 1)), len(body), body))
        db.execute("INSERT INTO dropped VALUES ('full', 1, 2, 3)")
    counters = Counters()
    with spool(tmp_path, counters) as opened:
        opened.put(numbered(1))
        assert waiting(opened) == [3, 7, 1]
    assert counters.of("spool_dropped_lines") == 3


def test_what_sqlite_says_becomes_an_error_of_the_store(tmp_path):
    opened = spool(tmp_path)
    opened.put(numbered(0))
    taken = opened.take()
    opened.close()
    asked = [opened.take, opened.backlog, opened.covered, lambda: opened.noted("x"), lambda: opened.here([1])]
    done = [lambda: opened.note("x", b""), lambda: opened.forget(taken), lambda: opened.put(numbered(1)), lambda: opened.not_taken(taken)]
    for attempt in (*asked, *done):
        with pytest.raises(StoreError, match=r"cannot read the spool|the spool cannot be written"):
            attempt()


@pytest.mark.parametrize("room", [0, 100], ids=["not even for the lock", "none for the first table"])
def test_a_full_disk_is_told_with_its_path_and_is_no_reason_to_throw_anything_away(tmp_path, room):
    with no_file_longer_than(room), pytest.raises(StoreError) as refused:
        spool(tmp_path / "new")
    assert f"{tmp_path / 'new'}" in refused.value.what
    assert refused.value.what.endswith("cannot be opened or written")
    assert "its disk may be full: make room" in refused.value.next_step
    with spool(tmp_path / "new") as opened:
        opened.put(numbered(0))
        with no_file_longer_than(100), pytest.raises(StoreError, match=f"the spool {tmp_path / 'new'}/spool.sqlite cannot be written"):
            opened.put(numbered(1))
    with no_file_longer_than(0), pytest.raises(StoreError, match=f"{tmp_path / 'new'} cannot be opened or written"):
        spool(tmp_path / "new")
    with spool(tmp_path / "new") as opened:
        assert waiting(opened) == [0]


def test_a_file_with_tables_of_others_is_no_spool(tmp_path):
    with closing(sqlite3.connect(tmp_path / "spool.sqlite")) as db:
        db.execute("CREATE TABLE batches (other)")
    with pytest.raises(StoreError, match="cannot be read as a spool"):
        spool(tmp_path)


@contextmanager
def no_file_longer_than(size: int):
    """As a full disk: what goes beyond it is refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def put_until_it_fails(opened: Spool) -> None:
    for number in range(1, 1000):
        opened.put(numbered(number, flows=30))


def test_a_full_disk_leaves_nothing_and_the_next_batch_is_whole(tmp_path):
    with spool(tmp_path) as opened:
        opened.put(numbered(0, flows=30))
        with no_file_longer_than(400_000), pytest.raises(StoreError, match="spool"):
            put_until_it_fails(opened)
        opened.put(numbered(2000, flows=30))
        held = waiting(opened)
        assert 1 < len(held) < 1000
        assert sum(stop - start for runs in opened.covered().values() for start, stop in runs) == 300 * len(held)


def put_for_ever(folder: str) -> None:
    with Spool(Path(folder), SystemClock(), Counters(), limit_bytes=20_000) as opened:
        number = len(covered_numbers(opened))
        while True:
            opened.put(numbered(number))
            print(number, flush=True)
            if number % 3 == 0 and (taken := opened.take()):
                opened.forget(taken)
                print(f"sent {taken.content.lines}", flush=True)
            number += 1


def covered_numbers(opened: Spool) -> range:
    runs = opened.covered().get(LOG, [])
    assert len(runs) <= 1
    return range(runs[0][1] // 30 if runs else 0)


def test_a_kill_loses_nothing_that_was_put_and_every_line_is_here_or_sent_or_counted(tmp_path):
    program = "import sys; from tests.unit.keep.spool.test_batches import put_for_ever; put_for_ever(sys.argv[1])"
    sent, seeded = 0, random.Random(3)
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout
            heard = [child.stdout.readline() for _ in range(seeded.randint(1, 60))]
            child.kill()
            heard += [line for line in child.stdout if line.endswith("\n")]
        numbers = [int(line) for line in heard if line.strip().isdigit()]
        counters = Counters()
        with spool(tmp_path, counters) as opened:
            held = 6 * len(waiting(opened))
            put = len(covered_numbers(opened))
        assert max(numbers) in (put - 1, put - 2)
        sent += sum(int(line.split()[1]) for line in heard if line.startswith("sent"))
        dropped = counters.of("spool_dropped_lines")
        unheard = 6 * put - held - sent - dropped
        assert unheard in (0, 6)  # one was forgotten, and the kill came before it was said
        sent += unheard
    assert dropped > 0
    assert sent > 0


def test_what_goes_to_a_server_names_no_file_of_the_node(tmp_path):
    long = FileIdentity(1, 2, "csi-" + "0" * 196 + "/" + "f" * 64)
    with spool(tmp_path) as opened:
        opened.put(replace(numbered(1), files=[long]))
        taken = opened.take()
        assert taken is not None
        sent = wire.decode(taken.body)
        assert (sent.files, len(sent.lines), len(sent.flows)) == ([], 0, 3)
        assert opened.covered() == {long: [(30, 60)]}
    assert wire.decode(wire.encode(replace(numbered(1), files=[long]))).files == [long], "a store of lines takes it as well"
