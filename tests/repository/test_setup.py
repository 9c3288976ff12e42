"""Where a machine lacks something, setting up says what, why and what to do next."""

import os
import shutil
import subprocess

import pytest

from tests.repository.checkout import ROOT


def run_script(name, *arguments, **environment):
    """A script's exit code and what it says on stderr."""
    done = subprocess.run(
        [ROOT / "scripts" / name, *arguments],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("refused", "what", "next_step"),
    [
        ("ensurepip", "cannot make virtual environments", "apt-get install python3-venv"),
        ("version_info", "is too old", "make setup PYTHON="),
    ],
)
def test_an_interpreter_that_will_not_do(tmp_path, refused, what, next_step):
    interpreter = tmp_path / "python3"
    interpreter.write_text(f'#!/bin/sh\ncase "$2" in *{refused}*) exit 1 ;; esac\n')
    interpreter.chmod(0o755)
    code, said = run_script("setup", PYTHON=str(interpreter))
    assert code == 1
    assert what in said.splitlines()[0]
    assert next_step in said


@pytest.mark.parametrize(("group", "linked"), [((), ".venv"), (("audit",), ".venv-audit")])
def test_an_environment_behind_a_link_is_not_emptied(tmp_path, group, linked):
    checkout, theirs = tmp_path / "checkout", tmp_path / "theirs"
    for folder in (checkout / "scripts", theirs):
        folder.mkdir(parents=True)
    for name in ("scripts/setup", "pyproject.toml", "requirements-dev.lock", "requirements-audit.lock"):
        shutil.copy(ROOT / name, checkout / name)
    (checkout / linked).symlink_to(theirs)
    (tmp_path / "python3").write_text(f'#!/bin/sh\ncase "$2" in venv) touch {theirs}/emptied; exit 1 ;; esac\n')
    (tmp_path / "python3").chmod(0o755)
    environment = os.environ | {"PYTHON": str(tmp_path / "python3")}
    done = subprocess.run([checkout / "scripts/setup", *group], env=environment, capture_output=True, text=True, check=False)
    assert f"setup: {linked} is a link to {theirs}" in done.stderr
    assert list(theirs.iterdir()) == []


def test_no_interpreter_at_all(tmp_path):
    code, said = run_script("setup", PYTHON=str(tmp_path / "python3"))
    assert code == 1
    assert f"there is no {tmp_path}/python3" in said


def test_programs_that_cannot_be_installed_are_listed_and_stop_nobody():
    code, said = run_script("system-packages", "sh", "no-such-program", "nor-this", UNMASQ_NO_APT="1")
    assert code == 0
    assert "not on this machine: no-such-program nor-this" in said
    assert "apt-get install --no-install-recommends no-such-program nor-this" in said


def test_nothing_is_said_where_nothing_is_missing():
    assert run_script("system-packages", "sh") == (0, "")


def test_a_compiler_is_the_packages_that_it_takes(tmp_path):
    for name in ("bash", "id", "cat"):
        (tmp_path / name).symlink_to(shutil.which(name))
    environment = {"PATH": str(tmp_path), "UNMASQ_NO_APT": "1"}
    code, said = run_script("system-packages", "cc", CC="", **environment)
    assert code == 0
    assert "apt-get install --no-install-recommends gcc libc6-dev" in said
    assert run_script("system-packages", "cc", CC="clang-of-mine", **environment) == (0, "")


@pytest.mark.parametrize(
    ("answer", "packages"), [("exit 0", ""), ('case "$2" in *Python.h*) exit 1 ;; *) echo python3.99-dev ;; esac', "python3.99-dev")]
)
def test_headers_are_asked_for_where_the_interpreter_lacks_them(tmp_path, answer, packages):
    interpreter = tmp_path / "python3"
    interpreter.write_text(f"#!/bin/sh\n{answer}\n")
    interpreter.chmod(0o755)
    code, said = run_script("system-packages", "Python.h", PYTHON=str(interpreter), UNMASQ_NO_APT="1")
    assert (code, f"not on this machine: {packages}" in said if packages else said == "") == (0, True)
