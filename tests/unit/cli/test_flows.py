"""`unmasq flows`: the filter's fields as flags, and flows in every form."""

import csv
import io
import json
from dataclasses import fields

import pytest

from tests.contract import shop
from unmasq.cli import output
from unmasq.cli.program import program
from unmasq.model.filter import FlowFilter
from unmasq.report.columns import COLUMNS


def flows_of(ended):
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["flows"]


def test_every_field_of_the_filter_is_a_flag_with_help():
    flags = {name for argument in program()["flows"].assemble_argument_collection() for name in argument.names}
    times = {"since_us": "--since", "until_us": "--until"}
    assert {times.get(f.name, "--" + f.name.replace("_", "-")) for f in fields(FlowFilter)} <= flags


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        ((), 16),
        (("--client", shop.CLIENT), 11),
        (("--client", shop.CLIENT, "--client", shop.FORGER), 12),
        (("--client", "198.51.100.0/24", "--source", shop.FORGER), 1),
        (("--original-source", "198.51.100.77"), 1),
        (("--original-source-ip", "198.51.100.77"), 1),
        (("--any", shop.CLIENT), 12),
        (("--claim", shop.LONG), 1),
        (("--nat-source", shop.CLIENT), 1),
        (("--evidence", "forwarded"), 11),
        (("--join", "nat"), 1),
        (("--flag", "late"), 1),
        (("--status", "4xx"), 1),
        (("--path", "/log"), 10),
        (("--host", "shop.example"), 1),
        (("--port", "81"), 0),
        (("--since", "2024-10-04T00:06:30Z"), 5),
        (("--until", "2024-10-04T00:01:00Z"), 1),
        (("--last", "1h"), 0),
    ],
)
def test_filters(unmasq, at_rest, flags, count):
    assert len(flows_of(unmasq("flows", *flags, "--store", at_rest, "-o", "json"))) == count


def test_pages_follow_one_another(unmasq, at_rest):
    first = json.loads(unmasq("flows", "--store", at_rest, "--limit", 10, "-o", "json").out)
    ended = unmasq("flows", "--store", at_rest, "--limit", 10, "-o", "json", "--after", first["next"])
    second = json.loads(ended.out)
    assert (len(first["flows"]), len(second["flows"]), second["next"]) == (10, 6, None)


def test_a_table_says_on_standard_error_that_there_is_more(unmasq, at_rest):
    ended = unmasq("flows", "--store", at_rest, "--limit", 10)
    assert len(ended.out.splitlines()) == 11
    assert "there are more behind --after" in ended.err


def test_no_address_is_cut_on_a_narrow_terminal(unmasq, at_rest, monkeypatch):
    monkeypatch.setattr(output, "width", lambda: 40)
    assert shop.LONG in unmasq("flows", "--store", at_rest, "-o", "wide", "--client", shop.LONG).out


@pytest.mark.parametrize("form", ["table", "wide", "json", "jsonl", "csv"])
def test_what_clients_wrote_is_inert_in_every_form(unmasq, at_rest, form):
    ended = unmasq("flows", "--store", at_rest, "-o", form)
    assert "\x1b" not in ended.out
    assert "\u202e" not in ended.out


def test_no_cell_of_a_csv_is_a_formula(unmasq, at_rest):
    rows = list(csv.reader(io.StringIO(unmasq("flows", "--store", at_rest, "-o", "csv", "--columns", ",".join(COLUMNS)).out)))
    assert any(shop.FORMULA in cell for row in rows for cell in row)
    assert [cell for row in rows for cell in row if len(cell) > 1 and cell[0] in "=+-@\t\r"] == []


def test_columns_are_chosen_by_name(unmasq, at_rest):
    ended = unmasq("flows", "--store", at_rest, "--columns", "client, join", "--no-headers", "--limit", 1)
    assert ended.out.split() == [shop.CLIENT, "exact"]
    wrong = unmasq("flows", "--store", at_rest, "--columns", "clint")
    assert (wrong.code, "unknown column 'clint'" in wrong.err) == (2, True)


def test_json_lines_are_flows(unmasq, at_rest):
    lines = unmasq("flows", "--store", at_rest, "-o", "jsonl").out.splitlines()
    assert len(lines) == 16
    assert all(json.loads(line)["unmasq"]["id"] for line in lines)


def test_nothing_found_is_said_and_an_exit_code_if_asked_for(unmasq, at_rest):
    ended = unmasq("flows", "--store", at_rest, "--client", "9.9.9.9")
    nothing, doubts = ended.err.splitlines()
    assert (ended.code, ended.out, nothing) == (0, "", "no flow of this filter")
    assert doubts.startswith("data: Nothing at all came since 2024-10-04 00:09:00Z")
    assert doubts.endswith("3 lines could not be read.")
    assert unmasq("flows", "--store", at_rest, "--client", "9.9.9.9", "--exit-code").code == 3


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--client", "x"), "not an address or range: 'x'"),
        (("--flag", "x"), "unknown flag 'x'"),
        (("--limit", 0), "not a number of flows for one page: 0"),
        (("--after", "x"), "not a key of a page"),
        (("--status", "9xx"), "write it like 404 or 4xx"),
        (("--status", "40"), "a code of three digits"),
        (("--follow", "-o", "json"), "what is followed has no end"),
        (("--follow",), "nobody writes to this store"),
        (("--clent", "x"), "did you mean --client?"),
        (("-o", "xml"), 'Choose from: "table", "wide", "json", "jsonl", "csv"'),
    ],
)
def test_wrong_use(unmasq, at_rest, flags, sentence):
    ended = unmasq("flows", *flags, "--store", at_rest)
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err
