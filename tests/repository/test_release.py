"""A version, its changelog and its lock files keep step."""

import re
import tomllib

from scripts.locked import pins
from tests.repository.checkout import ROOT
from unmasq import __version__


def project():
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(lock):
    """The names that a lock file holds."""
    return {pin.name for pin in pins(ROOT / lock)}


def names(requirements):
    """The bare names of requirements."""
    return {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements}


def test_the_changelog_speaks_of_this_version():
    assert f"[{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_what_the_project_asks_for_is_locked():
    runtime, development = names(project()["project"]["dependencies"]), names(project()["dependency-groups"]["dev"])
    assert runtime - locked("requirements.lock") == set()
    assert (runtime | development) - locked("requirements-dev.lock") == set()


def test_what_users_run_is_what_was_tested():
    assert set(pins(ROOT / "requirements.lock")) - set(pins(ROOT / "requirements-dev.lock")) == set()
