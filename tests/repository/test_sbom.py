"""The SBOM names what the lock file names, each with its hashes, in the form that CycloneDX 1.6 demands, and never in two ways."""

import hashlib
import json
import os
import re
import subprocess
import sys
from importlib.metadata import Distribution

import pytest

from scripts import dist, sbom
from scripts.locked import pins
from tests.needs import AUDIT
from tests.repository.checkout import ROOT

NOON = 1_795_867_200
WHEEL = "unmasq-1.2.3-py3-none-any.whl"
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()))
"""
WRITE = "import sys; from pathlib import Path; from scripts import sbom; print(sbom.written(Path(), Path(sys.argv[1]), 1))"


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / WHEEL
    path.write_bytes(b"a wheel")
    return path


@pytest.fixture
def document(wheel):
    return json.loads(sbom.written(ROOT, wheel, NOON))


@pytest.mark.needs("audit")
@pytest.mark.parametrize(("spoil", "valid"), [(str, True), (lambda text: text.replace("SHA-256", "SHA-255"), False)])
def test_it_holds_to_the_schema(wheel, spoil, valid):
    text = spoil(sbom.written(ROOT, wheel, NOON))
    done = subprocess.run([AUDIT.parent / "bin/python", "-c", VALIDATE], input=text, capture_output=True, text=True, check=True)
    assert (done.stdout.strip() == "None") is valid


def test_it_says_what_it_is_and_of_which_wheel(document):
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", document["serialNumber"])
    assert document["metadata"]["timestamp"] == "2026-11-28T12:00:00Z"
    ours = document["metadata"]["component"]
    assert (ours["name"], ours["version"], ours["licenses"]) == ("unmasq", "1.2.3", [{"expression": "Apache-2.0"}])
    assert ours["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(b"a wheel").hexdigest()}]


def test_it_holds_what_the_lock_file_holds(document):
    found = {(each["purl"], tuple(one["content"] for one in each["hashes"])) for each in document["components"]}
    assert found == {(f"pkg:pypi/{pin.name}@{pin.version}", pin.hashes) for pin in pins(ROOT / "requirements.lock")}
    assert {one["alg"] for each in document["components"] for one in each["hashes"]} == {"SHA-256"}


def test_what_is_not_installed_everywhere_says_where(document):
    numpy = [each for each in document["components"] if each["name"] == "numpy"]
    conditions = [(each["scope"], each["properties"][0]["value"]) for each in numpy]
    assert conditions == [("optional", "python_full_version < '3.12'"), ("optional", "python_full_version >= '3.12'")]
    duckdb = next(each for each in document["components"] if each["name"] == "duckdb")
    assert (duckdb["scope"], "properties" in duckdb, duckdb["licenses"]) == ("required", False, [{"license": {"name": "MIT License"}}])


def test_everything_in_it_is_needed_by_something_in_it(document):
    needs = {each["ref"]: each["dependsOn"] for each in document["dependencies"]}
    references = [each["bom-ref"] for each in document["components"]]
    assert len(set(references)) == len(references)
    reached: set[str] = set()
    todo = [document["metadata"]["component"]["bom-ref"]]
    while todo:
        fresh = set(needs.get(todo.pop(), [])) - reached
        reached |= fresh
        todo += fresh
    assert reached == set(references)


def test_the_same_input_gives_the_same_bytes(wheel):
    def run(seed, zone):
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
        return subprocess.run([sys.executable, "-c", WRITE, wheel], cwd=ROOT, env=environment, capture_output=True, check=True).stdout

    assert run("1", "UTC") == run("2", "XYZ-9:30")


def test_another_wheel_is_another_document(wheel, document):
    wheel.write_bytes(b"another wheel")
    assert json.loads(sbom.written(ROOT, wheel, NOON))["serialNumber"] != document["serialNumber"]


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT\nLicense: something\n", {"expression": "MIT"}),
        ("License: long\nClassifier: License :: OSI Approved :: MIT License\n", {"license": {"name": "MIT License"}}),
        ("License: BSD\nClassifier: Topic :: Security\n", {"license": {"name": "BSD"}}),
        (f"License: {'whole text ' * 99}\n", None),
        ("License: Copyright\n  one line more\n", None),
        ("", None),
    ],
)
def test_a_licence_is_what_the_package_says_in_short(tmp_path, metadata, licence):
    (tmp_path / "METADATA").write_text(metadata)
    assert sbom.licence(Distribution.at(tmp_path).metadata) == licence


def test_nothing_is_said_of_a_version_that_is_not_here(tmp_path, wheel):
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / "requirements.lock").write_text(f"click==0.0.1 --hash=sha256:{'a' * 64}\nno-such-package==1 --hash=sha256:{'b' * 64}\n")
    document = json.loads(sbom.written(tmp_path, wheel, NOON))
    assert [each for each in document["components"] if "licenses" in each] == []
    assert [each["ref"] for each in document["dependencies"]] == ["pkg:pypi/unmasq@1.2.3"]


def test_a_version_is_escaped_in_its_address():
    assert sbom.purl("Some_Package", "1!2.0+local") == "pkg:pypi/some-package@1%212.0%2Blocal"


def test_it_lies_beside_its_wheel_with_the_sums_of_both(tmp_path, wheel):
    dist.write(tmp_path / "dist", wheel, "{}\n")
    assert sorted(path.name for path in (tmp_path / "dist").iterdir()) == ["SHA256SUMS", WHEEL.replace(".whl", ".cdx.json"), WHEEL]
    check = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "dist", capture_output=True, check=False)
    assert (check.returncode, check.stdout.count(b": OK\n")) == (0, 2)
