"""What is installed is checked by its hash: every lock file, the one that builds the wheel and the one that writes the locks too."""

import re
import tomllib

import pytest

from scripts.locked import Pin, lock_files, pins
from tests.repository.checkout import ROOT

HASHES = ("a" * 64, "b" * 64)
INSTALLS = re.compile(r"^.*pip\S* install .*$", re.MULTILINE)


def written(tmp_path, text):
    path = tmp_path / "requirements.lock"
    path.write_text(text)
    return path


def test_a_pin_has_a_name_a_version_a_condition_and_hashes(tmp_path):
    hashes = " \\\n".join(f"    --hash=sha256:{each}" for each in HASHES)
    lock = written(tmp_path, f"# a comment\none==1.0 \\\n{hashes}\n\ntwo==2!2.0.post1 ; python_full_version < '3.12' \\\n{hashes}\n")
    assert pins(lock) == [Pin("one", "1.0", "", HASHES), Pin("two", "2!2.0.post1", "python_full_version < '3.12'", HASHES)]


@pytest.mark.parametrize(
    "line",
    [
        "one==1.0",
        "one==1.0 ; python_full_version < '3.12'",
        f"one>=1.0 --hash=sha256:{HASHES[0]}",
        f"one==1.0 --hash=md5:{HASHES[0][:32]}",
        f"one==1.0 --hash=sha256:{HASHES[0][:63]}",
        f"one @ https://example.org/one.whl --hash=sha256:{HASHES[0]}",
        "--index-url https://example.org/simple",
        "--trusted-host example.org",
        "-r others.lock",
        "-e .",
    ],
)
def test_anything_else_is_refused(tmp_path, line):
    with pytest.raises(ValueError, match=r"requirements\.lock: this is no version with its hashes"):
        pins(written(tmp_path, f"one==1.0 --hash=sha256:{HASHES[0]}\n{line}\n"))


def test_no_lock_file_has_anything_else():
    found = {path.name: len(pins(path)) for path in lock_files()}
    assert next(iter(found)) == "requirements.lock"
    assert found.keys() >= {"requirements-dev.lock", "requirements-audit.lock", "requirements-uv.lock"}
    assert min(found.values()) > 0


def test_each_group_of_developers_has_its_lock():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert {path.name for path in lock_files()} == {"requirements.lock", *(f"requirements-{name}.lock" for name in groups)}


def test_what_builds_the_wheel_is_locked():
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert set(backend) <= {pin.name for pin in pins(ROOT / "requirements-dev.lock")}


def test_every_install_checks_hashes_or_fetches_nothing():
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_file()]
    installs = [line for path in [*scripts, ROOT / "Makefile", ROOT / ".ci" / "run"] for line in INSTALLS.findall(path.read_text())]
    assert len(installs) >= 3
    assert [line for line in installs if "--require-hashes" not in line and "--no-deps --no-build-isolation" not in line] == []
