"""A report that was answered is kept until its lines are covered, over the end of any process."""

import sqlite3

import pytest

from unmasq.base.clock import ManualClock
from unmasq.base.errors import StoreError
from unmasq.keep.spool.reports import KeptReports
from unmasq.model.ingress import Chunk, FileIdentity

FILE = FileIdentity(0, 0, "reports:pod:1")
HOUR_US = 3_600_000_000


def report(start, lines=b"one\ntwo\nsix\n"):
    return Chunk(FILE, "reports", start, lines, live=True)


@pytest.fixture
def clock():
    return ManualClock(HOUR_US)


def left(folder, clock, covered=None):
    """What a process finds that begins now."""
    with KeptReports(folder, clock) as reports:
        return list(reports.left(covered or {}))


def test_what_is_not_covered_is_left_to_the_next_process(tmp_path, clock):
    with KeptReports(tmp_path, clock) as reports:
        assert reports.keep(report(0))
        assert reports.keep(report(12))
        reports.forget(FILE, [(0, 4), (4, 12)])
    assert left(tmp_path, clock) == [report(12)]
    assert (tmp_path / "reports.sqlite").stat().st_mode & 0o777 == 0o600


def test_what_was_covered_when_a_process_died_does_not_come_again(tmp_path, clock):
    with KeptReports(tmp_path, clock) as reports:
        for start in (0, 12, 24):
            reports.keep(report(start))
    covered = {FILE: [(0, 16), (20, 24)]}
    assert left(tmp_path, clock, covered) == [report(16, b"two\n"), report(24)]
    assert [chunk.start for chunk in left(tmp_path, clock)] == [12, 24], "the first is gone for good"


def test_a_report_that_comes_again_is_known_for_an_hour_also_when_it_is_covered(tmp_path, clock):
    with KeptReports(tmp_path, clock) as reports:
        assert [reports.keep(report(0), "pod/a"), reports.keep(report(12), "pod/a"), reports.keep(report(12), "pod/b")] == [
            True,
            False,
            True,
        ]
        reports.forget(FILE, [(0, 24)])
    with KeptReports(tmp_path, clock) as reports:
        assert not reports.keep(report(24), "pod/a")
        clock.move_to(3 * HOUR_US)
        reports.forget(FILE, [])
        assert reports.keep(report(24), "pod/a")
        assert [chunk.start for chunk in reports.left({})] == [24]


def test_reports_without_an_id_are_all_taken(tmp_path, clock):
    with KeptReports(tmp_path, clock) as reports:
        assert reports.keep(report(0))
        assert reports.keep(report(12))
        reports.forget(FILE, [(0, 24)])
    with sqlite3.connect(tmp_path / "reports.sqlite") as db:
        assert db.execute("SELECT count(*) FROM reports").fetchone() == (0,), "nothing of them is remembered"
    db.close()


def test_it_is_bounded(tmp_path, clock):
    with KeptReports(tmp_path, clock, limit_bytes=30) as reports:
        reports.keep(report(0))
        reports.keep(report(12))
        with pytest.raises(StoreError, match="too many reports"):
            reports.keep(report(24))
        reports.forget(FILE, [(0, 12)])
        reports.keep(report(24))
    with KeptReports(tmp_path, clock, limit_bytes=30) as reports, pytest.raises(StoreError, match="too many reports"):
        reports.keep(report(36))


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path, clock):
    with KeptReports(tmp_path, clock) as reports:
        reports.keep(report(0))
        assert reports._db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"  # noqa: SLF001  # no test can pull the plug
        with sqlite3.connect(tmp_path / "reports.sqlite") as other:
            assert other.execute("SELECT count(*) FROM reports").fetchone() == (1,)
        other.close()


def test_a_file_that_is_none_is_said(tmp_path, clock):
    (tmp_path / "reports.sqlite").write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreError, match="cannot be read"):
        KeptReports(tmp_path, clock)
