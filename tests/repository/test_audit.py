"""An audit says what it found, and never that all is well where it could not look."""

import http.server
import json
import threading
from contextlib import contextmanager

import pytest

from scripts import audit
from scripts.advisories import Asked, Finding, Outcome
from scripts.locked import ROOT, pins

JINJA = Asked("jinja2", "3.1.2")
CLICK = Asked("click", "8.5.1")


def osv(name, *events, **more):
    """An advisory on a package of Python, from event to event."""
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}
    return {"id": "GHSA-1", "modified": "2026-11-20T10:00:00Z", "affected": [affected | more.pop("affected", {})], **more}


AGAINST_KNOWN_BAD = osv("paramiko", {"introduced": "0"}, {"fixed": "2.4.2"})


def folder_with(folder, *found):
    for number, each in enumerate([AGAINST_KNOWN_BAD, *found]):
        (folder / f"{number}.json").write_text(each if isinstance(each, str) else json.dumps(each))
    return folder


def names(outcome):
    return [str(each.asked) for each in outcome.findings]


@pytest.mark.parametrize(
    ("version", "events", "is_found"),
    [
        ("3.1.2", [{"introduced": "0"}], True),
        ("3.1.2", [{"introduced": "0"}, {"fixed": "3.1.2"}], False),
        ("3.1.2", [{"introduced": "0"}, {"fixed": "3.1.10"}], True),
        ("3.1.2", [{"introduced": "3.1.2"}, {"fixed": "3.1.3"}], True),
        ("3.1.2", [{"introduced": "3.1.10"}, {"fixed": "3.1.11"}], False),
        ("3.1.2", [{"introduced": "0"}, {"last_affected": "3.1.2"}], True),
        ("3.1.2", [{"introduced": "0"}, {"last_affected": "3.1.1"}], False),
        ("3.1.2", [{"introduced": "3.1.1"}, {"last_affected": "3.1.1"}], False),
        ("3.1.2", [{"fixed": "3.1.0"}, {"introduced": "3.1.1"}, {"introduced": "0"}, {"fixed": "3.2"}], True),
        ("3.1.2", [{"fixed": "3.1.0"}, {"introduced": "0"}], False),
        ("3.1.2", [{"introduced": "0", "fixed": "3.1.0"}, {"introduced": "4"}], False),
        ("3.1.2rc1", [{"introduced": "0"}, {"fixed": "3.1.2"}], True),
        ("0.dev1", [{"introduced": "0"}, {"fixed": "1"}], True),
        ("3.1.2.post1", [{"introduced": "0"}, {"last_affected": "3.1.2"}], False),
        ("3.1.2", [{"introduced": "0"}, {"fixed": "1!0"}], True),
        ("3.1.2", [{"introduced": "4"}, {"limit": "5"}], False),
    ],
)
def test_a_version_is_compared_as_pip_compares(tmp_path, version, events, is_found):
    outcome = audit.read(folder_with(tmp_path, osv("jinja2", *events)), [Asked("jinja2", version)])
    assert (names(outcome), outcome.missed) == ([f"jinja2 {version}"] if is_found else [], [])


@pytest.mark.parametrize(
    ("more", "is_found"),
    [
        ({"affected": {"versions": ["3.1.2"], "ranges": []}}, True),
        ({"affected": {"versions": ["3.1.2.0"], "ranges": []}}, True),
        ({"affected": {"versions": ["3.1", "no version"], "ranges": []}}, False),
        ({"affected": {"versions": ["3.1.2"]}}, True),
        ({"affected": {"package": {"ecosystem": "npm", "name": "jinja2"}}}, False),
        ({"affected": {"package": {"ecosystem": "PyPI:https://example.org/simple", "name": "jinja2"}}}, True),
        ({"affected": {"package": {"ecosystem": "PyPI", "name": "Jinja2"}}}, True),
        ({"affected": {"package": {"ecosystem": "PyPI", "name": "jinja"}}}, False),
        ({"withdrawn": "2026-11-21T00:00:00Z"}, False),
    ],
)
def test_what_an_advisory_speaks_of(tmp_path, more, is_found):
    events = [{"introduced": "5"}] if "versions" in more.get("affected", {}) else [{"introduced": "0"}]
    outcome = audit.read(folder_with(tmp_path, osv("jinja2", *events, **more)), [JINJA, CLICK])
    assert (names(outcome), outcome.missed) == (["jinja2 3.1.2"] if is_found else [], [])


@pytest.mark.parametrize(
    "unreadable",
    [
        "{",
        "[]",
        '{"id": "GHSA-1"}',
        osv("jinja2", {"introduced": "not a version"}),
        osv("jinja2", affected={"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}),
    ],
)
def test_what_cannot_be_read_or_compared_is_no_all_clear(tmp_path, unreadable):
    outcome = audit.read(folder_with(tmp_path, unreadable), [JINJA])
    assert ([what for what, _ in outcome.missed], audit.exit_code(outcome)) == (["1.json"], 3)


def test_nor_is_a_folder_without_the_advisory_that_everybody_has(tmp_path):
    (tmp_path / "one.yaml").write_text("id: PYSEC-1\n")
    for folder in (tmp_path, tmp_path / "missing"):
        outcome = audit.read(folder, [JINJA, CLICK])
        assert ([what for what, _ in outcome.missed], audit.exit_code(outcome)) == (["jinja2 3.1.2", "click 8.5.1"], 3)


def test_what_lies_hidden_is_no_advisory(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config.json").write_text("{")
    assert audit.read(folder_with(tmp_path), [JINJA]) == Outcome(
        f"1 advisories on Python packages below {tmp_path}, the newest of 2026-11-20", [], []
    )


def test_the_report_names_what_was_found_where_and_what_mends_it(tmp_path, capsys):
    duckdb = next(pin for pin in pins(ROOT / "requirements.lock") if pin.name == "duckdb")
    advisory = osv("duckdb", {"introduced": "0"}, {"fixed": "99"}, aliases=["CVE-1"], summary="\x1b[2Jit  \u202e runs")
    assert audit.main([str(folder_with(tmp_path, advisory))]) == 1
    first, found, last = capsys.readouterr().out.splitlines()
    assert f"versions of {len(list(ROOT.glob('requirements*.lock')))} lock files" in first
    what = f"found: duckdb {duckdb.version} (requirements.lock, requirements-dev.lock): GHSA-1, CVE-1: "
    assert found == what + r"\x1b[2Jit  \u202e runs (mended in 99)"
    assert last == "audit: 1 found, 0 not looked up, exit code 1"


def test_all_looked_up_and_nothing_found_is_all_clear(tmp_path, capsys):
    assert audit.main([str(folder_with(tmp_path))]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "audit: 0 found, 0 not looked up, exit code 0"


def test_the_report_of_what_was_missed_says_why_and_what_next():
    missed = [(f"one {number}", "no network") for number in range(5)] + [("two 1", "too slow")]
    lines = list(audit.report(Outcome("a place", [], missed), {}))
    assert lines[1:3] == ["not looked up: one 0, one 1, one 2 and 2 more: no network", "not looked up: two 1: too slow"]
    assert lines[3:] == [audit.NEXT, "audit: 0 found, 6 not looked up, exit code 3"]


def test_what_was_found_counts_more_than_what_was_missed():
    assert audit.exit_code(Outcome("", [Finding(JINJA, ("GHSA-1",), (), "")], [("click 8.5.1", "why")])) == 1


def test_two_versions_of_one_package_are_asked_apart():
    older, newer = Asked("numpy", "2.4.6"), Asked("numpy", "2.5.5")
    assert audit.groups([newer, CLICK, older]) == [[CLICK, older], [newer]]


def pip_audit_says(*dependencies):
    return json.dumps({"dependencies": list(dependencies), "fixes": []})


BAD = {"name": "paramiko", "version": "2.4.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.4.1"], "aliases": [], "description": ""}]}
GOOD = {"name": "click", "version": "8.5.1", "vulns": []}


@pytest.mark.parametrize(
    ("output", "missed"),
    [
        (pip_audit_says(BAD, GOOD), []),
        (pip_audit_says(BAD), ["click 8.5.1"]),
        (pip_audit_says(BAD | {"vulns": []}, GOOD), ["click 8.5.1"]),
        (pip_audit_says(GOOD), ["click 8.5.1"]),
        (pip_audit_says(BAD, {"name": "click", "skip_reason": "Dependency not found"}), ["click 8.5.1"]),
        ("", ["click 8.5.1"]),
        ("[]", ["click 8.5.1"]),
    ],
)
def test_no_answer_and_an_answer_that_knows_nothing_are_no_all_clear(output, missed):
    outcome = audit.answered([CLICK], output, "the last line of its error")
    assert (outcome.findings, [what for what, _ in outcome.missed]) == ([], missed)


def test_why_a_package_was_left_out_is_said():
    outcome = audit.answered([CLICK], pip_audit_says(BAD, {"name": "click", "skip_reason": "Dependency not found"}), "")
    assert outcome.missed == [("click 8.5.1", "Dependency not found")]


def test_without_pip_audit_nothing_was_looked_up(tmp_path):
    outcome = audit.ask([CLICK], program=tmp_path / "pip-audit")
    assert (audit.exit_code(outcome), "No such file" in outcome.missed[0][1]) == (3, True)


@contextmanager
def service(answer):
    """A service as OSV's, which gives `answer(name)`; None: status 500."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said = answer(asked["package"]["name"])
            self.send_response(500 if said is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"--osv-url=http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


def known(*advisories):
    """The answers of a service that has these."""
    by_name = {each["affected"][0]["package"]["name"]: {"vulns": [each]} for each in advisories}
    return lambda name: by_name.get(name, {})


@pytest.mark.needs("audit")
@pytest.mark.parametrize(
    ("answer", "found", "code"),
    [
        (known(AGAINST_KNOWN_BAD), [], 0),
        (known(AGAINST_KNOWN_BAD, osv("jinja2", {"introduced": "0"}, {"fixed": "3.1.3"})), ["jinja2 3.1.2"], 1),
        (known(), [], 3),
        (lambda _: None, [], 3),
    ],
)
def test_the_real_pip_audit_is_understood(answer, found, code):
    with service(answer) as option:
        outcome = audit.ask([JINJA, CLICK], option)
    assert (names(outcome), audit.exit_code(outcome)) == (found, code)


@pytest.mark.needs("audit")
def test_a_service_out_of_reach_is_named_with_the_reason():
    outcome = audit.ask([JINJA, CLICK], "--osv-url=http://127.0.0.1:1/")
    assert (audit.exit_code(outcome), [what for what, _ in outcome.missed]) == (3, ["click 8.5.1", "jinja2 3.1.2"])
    assert "Connection refused" in outcome.missed[0][1]
