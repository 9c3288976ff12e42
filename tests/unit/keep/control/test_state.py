import sqlite3
import stat

import pytest

from unmasq.base.errors import StoreError, StoreTooNew, UsageError
from unmasq.keep.control.state import NAME, VERSION, Control
from unmasq.model.ingress import FileIdentity
from unmasq.unwind.trust import entry

EDGE, CDN = entry("edge", "203.0.113.0/24"), entry("cdn", "2001:db8:cd::/48", "cf-connecting-ip")


@pytest.fixture
def control(tmp_path):
    control = Control(tmp_path)
    yield control
    control.close()


def test_begins_with_nobody(control):
    assert (control.trust_version, control.trust_list().entries, control.trust_history()) == (0, (), [])


def test_every_version_stays_known(control, tmp_path):
    assert control.trust_add([EDGE], 5) == 1
    assert control.trust_add([CDN], 6) == 2
    assert control.trust_remove("edge", 7) == 3
    again = Control(tmp_path, read_only=True)
    assert [again.trust_list(version).entries for version in range(4)] == [(), (EDGE,), (EDGE, CDN), (CDN,)]
    assert again.trust_list().version == again.trust_version == 3
    changes = [(change.made_us, change.change) for change in again.trust_history()]
    assert changes[0] == (5, "added edge 203.0.113.0/24 for x-forwarded-for")
    assert changes[2] == (7, "removed edge 203.0.113.0/24 for x-forwarded-for")
    again.close()


def test_adding_what_is_there_makes_no_version(control):
    assert control.trust_add([EDGE, EDGE], 5) == 1
    assert control.trust_add([EDGE], 6) == 1
    assert control.trust_list().entries == (EDGE,)


def test_setting_a_name_replaces_all_of_it_and_nothing_else_in_one_version(control):
    other = entry("cdn", "198.51.100.0/24", "cf-connecting-ip")
    control.trust_add([EDGE, CDN], 5)
    assert control.trust_set([other, other], 6) == 2
    assert control.trust_list().entries == (EDGE, other)
    assert control.trust_history()[-1].change == (
        "added cdn 198.51.100.0/24 for cf-connecting-ip, removed cdn 2001:db8:cd::/48 for cf-connecting-ip"
    )
    assert control.trust_set([other], 7) == 2


def test_removes_by_range_too_and_says_what_it_does_not_know(control):
    control.trust_add([EDGE, CDN], 5)
    assert control.trust_remove("2001:db8:cd::/48", 6) == 2
    assert control.trust_list().entries == (EDGE,)
    with pytest.raises(UsageError, match="nobody"):
        control.trust_remove("nobody", 7)


def test_lines_of_deleted_days(control):
    log = FileIdentity(2**64 - 1, 2**63, "aa")
    control.set_retired_lines([(log, 0, 10), (log, 20, 30)])
    control.set_retired_lines([(log, 0, 30)])
    assert control.retired_lines() == [(log, 0, 30)]


def test_what_an_older_program_made_is_brought_up_to_date(tmp_path):
    older = sqlite3.connect(tmp_path / NAME)
    older.executescript("CREATE TABLE trust_versions (version, made_us, change); PRAGMA user_version = 1;")
    older.execute("INSERT INTO trust_versions VALUES (4, 5, 'added')")
    older.commit()
    older.close()
    for _ in range(2):
        control = Control(tmp_path)
        assert (control.trust_version, control.node_addresses()) == (4, [])
        control.close()


def test_is_for_its_owner_alone(control, tmp_path):
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_a_newer_one_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / NAME) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StoreTooNew):
        Control(tmp_path)


def test_a_damaged_one_is_named(tmp_path):
    (tmp_path / NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=NAME):
        Control(tmp_path)
