"""One commit is one wheel: the same bytes whatever the folder, the umask, the time of the files and the seed of the hashes."""

import io
import tarfile
import zipfile

import pytest

from scripts import dist
from tests.repository.checkout import ROOT, committed_files

EPOCH = 1_789_000_000
HOOK = "    def initialize(self, version: str, build_data: dict[str, Any]) -> None:\n"
LEAKS = {
    "folder": "os.getcwd()",
    "umask": "os.umask(0o022)",
    "age": "os.stat('pyproject.toml').st_mtime",
    "seed": "hash('unmasq')",
    "zone": "__import__('time').localtime(0).tm_hour",
    "clock": "__import__('time').time()",
}


def packed(changed=()):
    """The files of the checkout as they stand, as tar; `changed`: the new bytes of some."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for path in committed_files():
            name = str(path.relative_to(ROOT))
            content = dict(changed).get(name) or path.read_bytes()
            member = archive.gettarinfo(path, name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setenv("CC", "false")
    monkeypatch.delenv("UNMASQ_REQUIRE", raising=False)


@pytest.mark.needs("native")
def test_two_builds_with_the_extension_are_the_same_to_the_byte(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASQ_REQUIRE", "native")
    wheel = dist.build_twice(packed(), EPOCH, tmp_path)
    assert "-cp311-abi3-" in wheel.name
    assert {info.date_time for info in zipfile.ZipFile(wheel).infolist()} == {(2026, 9, 10, 0, 26, 40)}


@pytest.mark.usefixtures("no_compiler")
def test_so_are_two_without(tmp_path):
    assert dist.build_twice(packed(), EPOCH, tmp_path).name.endswith("-py3-none-any.whl")


@pytest.mark.usefixtures("no_compiler")
def test_whatever_of_the_machine_gets_into_the_wheel_is_found_and_named(tmp_path):
    writes = "".join(f"        Path('src/unmasq/{name}.py').write_text(repr({leak}))\n" for name, leak in LEAKS.items())
    hook = (ROOT / "hatch_build.py").read_text()
    assert HOOK in hook
    with pytest.raises(dist.DistError) as caught:
        dist.build_twice(packed({"hatch_build.py": hook.replace(HOOK, HOOK + writes).encode()}), EPOCH, tmp_path)
    assert [name for name in LEAKS if f"unmasq/{name}.py" not in str(caught.value)] == []


@pytest.mark.usefixtures("no_compiler")
def test_a_build_that_fails_says_why(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("UNMASQ_REQUIRE", "native")
    with pytest.raises(dist.DistError, match="the wheel could not be built; next: "):
        dist.build_twice(packed(), EPOCH, tmp_path)
    assert "unmasq: built without its C extension" in capfd.readouterr().err


def wheel(folder, *members, mode=0o644, name="unmasq.whl"):
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for member in members:
            info = zipfile.ZipInfo(member)
            info.external_attr = mode << 16
            archive.writestr(info, member)
    return folder / name


def test_what_two_wheels_differ_in_is_named(tmp_path):
    one = wheel(tmp_path / "one", "a", "b")
    assert dist.differences(one, wheel(tmp_path / "two", "a", "b")) == []
    assert dist.differences(one, wheel(tmp_path / "two", "a", "c")) == ["b", "c"]
    assert dist.differences(one, wheel(tmp_path / "two", "b", "a")) == ["how their files are packed"]
    assert dist.differences(one, wheel(tmp_path / "two", "a", "b", mode=0o600)) == ["how their files are packed"]
    assert dist.differences(one, wheel(tmp_path / "two", "a", "b", name="other.whl")) == ["unmasq.whl", "other.whl"]


def test_the_time_in_the_wheel_is_the_commits_unless_it_is_given(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "12")
    assert dist.commit_seconds() == "12"
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert int(dist.commit_seconds()) > EPOCH
