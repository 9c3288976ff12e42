"""The mark `needs`, tried as pytest runs it: in a process of its own, on a machine made poorer by its PATH."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs

ROOT = Path(__file__).parents[2]
STORY = """
import pytest

@pytest.fixture
def costly():
    print("the fixture ran")

@pytest.mark.needs("lab")
def test_of_the_lab(costly):
    pass

def test_of_nothing():
    pass
"""


def run_pytest(folder, *arguments, story=STORY, **environment):
    """Pytest's output and exit code for `story`, with this checkout's conftest as a plugin and no programs to be found."""
    (folder / "test_story.py").write_text(story)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    # Not the daemons' folders either: `needs` looks there in any case, so it is told where "there" is.
    launcher = "from tests import needs; needs.PROGRAM_PATH = '/nowhere'; import pytest, sys; sys.exit(pytest.main(sys.argv[1:]))"
    command = [sys.executable, "-c", launcher, "-p", "tests.conftest", "-p", "no:cacheprovider", "-rA", *arguments, "test_story.py"]
    clean = {key: value for key, value in os.environ.items() if key not in {"UNMASQ_REQUIRE", "PYTEST_ADDOPTS"}}
    done = subprocess.run(
        command, cwd=folder, env=clean | {"PYTHONPATH": str(ROOT)} | environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr, done.returncode


def test_a_skip_says_exactly_what_is_missing(tmp_path):
    output, code = run_pytest(tmp_path)
    assert code == 0
    assert "1 passed, 1 skipped" in output
    assert "needs lab, missing here: " in output
    assert "nginx, haproxy, ip, nft" in output
    assert "the fixture ran" not in output


def test_a_demanded_capability_fails_instead(tmp_path):
    output, code = run_pytest(tmp_path, UNMASQ_REQUIRE="browser, lab")
    assert code == 1
    assert "1 passed, 1 error" in output
    assert "nginx, haproxy" in output
    assert "UNMASQ_REQUIRE=browser, lab" in output
    assert "the fixture ran" not in output


def test_another_demand_leaves_the_skip(tmp_path):
    output, code = run_pytest(tmp_path, UNMASQ_REQUIRE="browser")
    assert (code, "1 passed, 1 skipped" in output) == (0, True)


def test_a_demand_for_what_does_not_exist_is_refused(tmp_path):
    output, code = run_pytest(tmp_path, UNMASQ_REQUIRE="labs")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "UNMASQ_REQUIRE names labs; there are lab, browser" in output


def test_a_mark_for_what_does_not_exist_is_refused(tmp_path):
    output, code = run_pytest(tmp_path, story=STORY.replace('"lab"', '"labs"'))
    assert code != 0
    assert "needs 'labs'; there are lab, browser" in output


def test_needs_can_be_left_out_by_name(tmp_path):
    output, code = run_pytest(tmp_path, "-m", "not lab")
    assert (code, "1 passed, 1 deselected" in output) == (0, True)


def test_nothing_is_missing_where_every_need_is_met(monkeypatch):
    monkeypatch.setitem(needs.CAPABILITIES, "lab", (needs.Need("no luck", lambda: True),))
    assert needs.missing("lab") == []
