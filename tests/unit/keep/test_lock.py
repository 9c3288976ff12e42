import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from unmasq.base.errors import StoreBusy, StoreError
from unmasq.keep.lock import Lock


def test_an_owner_keeps_everybody_out_and_is_named(tmp_path):
    with Lock(tmp_path, exclusive=True):
        for exclusive in (True, False):
            with pytest.raises(StoreBusy) as refused:
                Lock(tmp_path, exclusive=exclusive)
            assert f"process {os.getpid()} owns it" in refused.value.why
            assert refused.value.next_step


def test_readers_share_and_keep_writers_out(tmp_path):
    Lock(tmp_path, exclusive=True).close()
    with Lock(tmp_path, exclusive=False), Lock(tmp_path, exclusive=False), pytest.raises(StoreBusy) as refused:
        Lock(tmp_path, exclusive=True)
    assert "reads the store" in refused.value.what
    Lock(tmp_path, exclusive=True).close()


def test_a_killed_owner_leaves_no_lock(tmp_path):
    program = (
        "import os, sys; from pathlib import Path; from unmasq.keep.lock import Lock; Lock(Path(sys.argv[1]), exclusive=True); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", program, tmp_path], check=False).returncode == 9
    Lock(tmp_path, exclusive=True).close()


def test_the_directory_is_for_its_owner_alone(tmp_path):
    with Lock(tmp_path / "new" / "store", exclusive=True):
        assert stat.S_IMODE((tmp_path / "new" / "store").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "new" / "store" / "lock").stat().st_mode) == 0o600


def test_reading_makes_no_store(tmp_path):
    with pytest.raises(StoreError, match="there is no store"):
        Lock(tmp_path / "none", exclusive=False)
    assert not (tmp_path / "none").exists()


def test_a_file_in_the_place_of_the_directory_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        Lock(tmp_path / "file", exclusive=True)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_is_said_to_be_no_store(tmp_path, below):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be a store"):
        Lock(tmp_path / "file" / below, exclusive=True)


def test_who_wants_to_fill_a_folder_that_cannot_be_made_is_not_told_to_fill_it():
    with pytest.raises(StoreError) as refused:
        Lock(Path("/proc/none"), exclusive=True)
    assert "unmasq run" not in refused.value.next_step
