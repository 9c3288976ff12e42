"""Columns line up, and only what may be shortened is."""

from unmasq.show.columns import Kind, aligned

ADDRESS = "2001:db8:9:1:aaaa:bbbb:cccc:dddd"
KINDS = [Kind(), Kind(is_number=True), Kind(whole=False)]
ROWS = [["CLIENT", "REQUESTS", "PATHS"], [ADDRESS, "5", "/a-rather-long-path-that-nobody-needs-to-the-end"], ["10.0.0.1", "1,000", "/"]]


def test_columns_line_up_without_blanks_at_the_end():
    assert aligned(ROWS, KINDS) == [
        "CLIENT                            REQUESTS  PATHS",
        f"{ADDRESS}         5  /a-rather-long-path-that-nobody-needs-to-the-end",
        "10.0.0.1                             1,000  /",
    ]


def test_a_narrow_terminal_shortens_texts():
    lines = aligned(ROWS, KINDS, 60)
    assert max(map(len, lines)) == 60
    assert lines[1] == f"{ADDRESS}         5  /a-rather-long-…"


def test_an_address_is_never_cut_however_narrow_it_is():
    assert all(ADDRESS in line for line in aligned(ROWS, KINDS, 10)[1:2])


def test_no_rows_are_no_lines():
    assert aligned([], KINDS) == []
