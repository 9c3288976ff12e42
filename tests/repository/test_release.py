"""A version, its changelog and its lock files keep step."""

import re
import tomllib

import pytest

from tests.repository.checkout import ROOT
from unmasq import __version__

PINNED = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<rest>(?:.*\\\n)*.*)$", re.MULTILINE)


def project():
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(lock):
    """The locked packages with what follows their version: markers and hashes."""
    return {match["name"]: match["rest"] for match in PINNED.finditer((ROOT / lock).read_text())}


def names(requirements):
    """The bare names of requirements."""
    return {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements}


def test_the_changelog_speaks_of_this_version():
    assert f"[{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-proxies.lock"])
def test_every_locked_package_has_its_hashes(lock):
    locked = pins(lock)
    assert locked
    assert [name for name, rest in locked.items() if "--hash=sha256:" not in rest] == []


def test_what_the_project_asks_for_is_locked():
    runtime, development = names(project()["project"]["dependencies"]), names(project()["dependency-groups"]["dev"])
    assert runtime - pins("requirements.lock").keys() == set()
    assert (runtime | development) - pins("requirements-dev.lock").keys() == set()


def test_what_users_run_is_what_was_tested():
    tested = (ROOT / "requirements-dev.lock").read_text()
    pinned = re.findall(r"^([\w.-]+==\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert [pin for pin in pinned if pin not in tested] == []
