"""Names by the system's resolver, from a real server in a network of its own."""

import json
import subprocess
import sys

import pytest

from unmasq.base.clock import ManualClock
from unmasq.enrich.names import ReverseNames, State

ASKED = ["8.8.8.1", "8.8.8.2", "8.8.8.3", "8.8.8.4", "8.8.8.5", "8.8.8.6", "8.8.8.8", "2001:4860::1", "10.0.0.1", "nonsense"]


@pytest.fixture(scope="module")
def told():
    argv = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.unit.enrich.dns", *ASKED]
    ended = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.needs("lab")
@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("8.8.8.1", ["found", "honest.test", True]),
        ("8.8.8.2", ["found", "liar.test", False]),
        ("8.8.8.3", ["found", "nowhere.test", False]),
        ("8.8.8.8", ["none", None, False]),
        ("2001:4860::1", ["found", "six.test", True]),
        ("10.0.0.1", None),
        ("asked for", ["found", "private.test", True]),
        ("nonsense", None),
        ("8.8.8.5", ["timeout", None, False]),
        ("8.8.8.6", ["timeout", None, False]),
        ("slow, later", ["found", "slow.test", True]),
        ("busy", ["timeout", None, False]),
    ],
)
def test_a_name_is_found_checked_or_said_to_be_missing(told, ip, name):
    assert told[ip]["name"] == name


@pytest.mark.needs("lab")
def test_nobody_waits_longer_than_was_said(told):
    assert all(each["seconds"] < 0.8 for each in told.values() if isinstance(each, dict))
    assert told["again"]["seconds"] < 0.01


@pytest.mark.needs("lab")
def test_no_more_are_kept_than_was_said(told):
    assert told["kept"] == [1, 2, 2]


@pytest.mark.needs("lab")
def test_a_name_that_somebody_wrote_to_do_harm_is_a_text_or_none(told):
    state, name, _ = told["8.8.8.4"]["name"]
    assert (state, name) in (("none", None), ("found", "<script>alert(1)</script>.test"))


def test_the_hosts_file_counts_too():
    name = ReverseNames(ManualClock(0), timeout_seconds=20).of("127.0.0.1", is_private_too=True)
    assert name is not None
    assert (name.state, name.is_verified) == (State.FOUND, True)


@pytest.mark.parametrize("ip", ["", "10.0.0.1", "fe80::1", "::ffff:192.168.0.1", "\x00", "a" * 5000])
def test_what_is_not_global_is_not_asked_for(ip):
    assert ReverseNames(ManualClock(0)).of(ip) is None
