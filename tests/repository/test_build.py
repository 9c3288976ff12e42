"""The wheel holds the C extension where there is a compiler, and says by its tag which of the two it is; the sdist can build both."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.repository.checkout import ROOT, committed_files

EXTENSION = "unmasq/model/_native.abi3.so"
WITHOUT = "unmasq: built without its C extension"


@pytest.fixture
def copy(tmp_path):
    """A copy of what is committed, with a library that some earlier build left."""
    for path in committed_files():
        target = tmp_path / "copy" / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (tmp_path / "copy" / "src" / EXTENSION).write_bytes(b"left over")
    return tmp_path / "copy"


def build(copy, target, **environment):
    """The exit code, all that was said, and what lies in dist/."""
    clean = {key: value for key, value in os.environ.items() if key not in {"CC", "UNMASQ_REQUIRE"}}
    command = [sys.executable, "-m", "hatchling", "build", "-t", target]
    done = subprocess.run(command, cwd=copy, env=clean | environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr, sorted(copy.glob("dist/*"))


def inside(wheel):
    """The names in a wheel, and the text that says what kind of wheel it is."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        return names, archive.read(next(name for name in names if name.endswith("/WHEEL"))).decode()


@pytest.mark.needs("native")
def test_with_a_compiler_the_wheel_has_the_extension_on_the_stable_abi(copy):
    code, said, (wheel,) = build(copy, "wheel")
    names, kind = inside(wheel)
    assert (code, WITHOUT in said, "warning" in said) == (0, False, False)
    assert "-cp311-abi3-linux_" in wheel.name
    assert "Root-Is-Purelib: false" in kind
    assert f"Tag: cp311-abi3-linux_{os.uname().machine}" in kind
    assert [name for name in names if name.endswith((".so", ".c", ".h"))] == [EXTENSION]
    assert does_work(copy)


def does_work(copy):
    """Whether the extension in the copy can be loaded."""
    program = "from unmasq.model.native import NATIVE; print(NATIVE.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(copy / "src")}, capture_output=True, check=False
    )
    return done.stdout.decode().strip() == str(copy / "src" / EXTENSION)


@pytest.mark.parametrize("compiler", ["false", "no-such-compiler"])
def test_without_one_it_is_pure_and_the_build_says_so_in_one_line(copy, compiler):
    code, said, (wheel,) = build(copy, "wheel", CC=compiler)
    names, kind = inside(wheel)
    assert code == 0
    assert wheel.name.endswith("-py3-none-any.whl")
    assert "Root-Is-Purelib: true" in kind
    assert [name for name in names if name.endswith(".so")] == []
    assert not (copy / "src" / EXTENSION).exists()
    warning, *more = [line for line in said.splitlines() if WITHOUT in line]
    assert (compiler in warning, "next: " in warning, more) == (True, True, [])


def test_a_demanded_extension_that_cannot_be_built_fails_the_build(copy):
    code, said, found = build(copy, "wheel", CC="false", UNMASQ_REQUIRE="lab, native")
    assert (code, found) == (1, [])
    assert WITHOUT in said
    assert "UNMASQ_REQUIRE=lab, native" in said


def test_the_sdist_has_what_a_build_needs_and_nothing_built(copy):
    code, _, (sdist,) = build(copy, "sdist")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert code == 0
    assert names >= {"hatch_build.py", "native/native.h", *(f"native/{path.name}" for path in (ROOT / "native").glob("*.c"))}
    assert [name for name in names if name.endswith(".so")] == []
