"""The audit: each line is whole, pages go back to the first one, and a crash costs one line at most."""

import pytest

from unmasq.base.errors import StoreError
from unmasq.keep.control import audit
from unmasq.keep.control.audit import Audit, Entry


def entry(number: int, sent: str = "") -> Entry:
    return Entry("2026-11-28T08:00:00Z", f"n{number}", "admin", "POST", "/api/v1/trust", sent, 200)


def names(entries: list[Entry]) -> list[int]:
    return [int(each.who[1:]) for each in entries]


def test_nothing_is_noted_at_first(tmp_path):
    page = Audit(tmp_path).page(10)
    assert (page.entries, page.next) == ([], None)


@pytest.mark.parametrize("block", [7, 100, 1 << 16])
@pytest.mark.parametrize("limit", [1, 3, 10, 25, 26])
def test_pages_go_back_to_the_first_entry_and_lose_none(tmp_path, monkeypatch, block, limit):
    monkeypatch.setattr(audit, "_BLOCK_BYTES", block)
    kept = Audit(tmp_path)
    for number in range(25):
        kept.add(entry(number, "ä" * number))
    found, before, pages = [], None, 0
    while True:
        page = kept.page(limit, before)
        found += names(page.entries)
        pages += 1
        if page.next is None:
            break
        before = int(page.next)
        kept.add(entry(100 + pages))  # what comes meanwhile moves nothing
    assert found == list(range(24, -1, -1))
    assert pages == -(-25 // limit)


def test_a_line_that_a_crash_cut_takes_no_other_with_it(tmp_path):
    kept = Audit(tmp_path)
    kept.add(entry(1))
    with (tmp_path / audit.NAME).open("ab") as file:
        file.write(b'{"at":"2026')
    kept.add(entry(2))
    assert names(kept.page(10).entries) == [2, 1]


def test_what_was_sent_cannot_forge_a_line_or_steer_a_terminal(tmp_path):
    Audit(tmp_path).add(entry(1, 'x\n{"at":""}\x1b[31m\u202e\x9b'))
    text = (tmp_path / audit.NAME).read_text()
    assert text.count("\n") == 1
    assert not {"\x1b", "\u202e", "\x9b"} & set(text)
    assert [each.sent for each in Audit(tmp_path).page(5).entries] == ['x\n{"at":""}\x1b[31m\u202e\x9b']


def test_only_its_owner_can_read_it(tmp_path):
    Audit(tmp_path).add(entry(1))
    assert (tmp_path / audit.NAME).stat().st_mode & 0o777 == 0o600


def test_where_it_cannot_be_written_it_is_said(tmp_path):
    (tmp_path / audit.NAME).mkdir()
    with pytest.raises(StoreError, match="cannot write"):
        Audit(tmp_path).add(entry(1))
    with pytest.raises(StoreError, match="cannot read"):
        Audit(tmp_path).page(1)
