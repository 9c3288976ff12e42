"""The generated modules are what the compiler makes of the .proto files."""

import subprocess

from tests.repository.checkout import ROOT

FOLDER = "src/unmasq/model/proto"


def test_modules_and_definitions_say_the_same(tmp_path):
    subprocess.run([ROOT / "scripts/proto", tmp_path], check=True)
    written = {path.name: path.read_bytes() for path in (tmp_path / "unmasq/model/proto").iterdir()}
    assert len(written) == 2 * len(list((ROOT / FOLDER).glob("*.proto")))
    assert written == {name: (ROOT / FOLDER / name).read_bytes() for name in written}
