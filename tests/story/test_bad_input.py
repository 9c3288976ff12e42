"""Input that is wrong in every way a night can bring: a clear sentence or a counted reject, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.deadline import until
from tests.story.traffic import CLIENT, NOON, SECOND, Story, connection, line

UNMASQ = str(Path(sys.executable).with_name("unmasq"))
LINE = line("198.51.100.10", 4711, "1.1.1.1", "2.2.2.2") + "\n"


def said(*words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    answer = subprocess.run([UNMASQ, *words], check=False, capture_output=True, input=given, timeout=60)
    assert b"Traceback" not in answer.stderr + answer.stdout
    return answer


def explained(path: Path) -> list[dict[str, object]]:
    answer = said("explain", "--input", str(path), "-o", "jsonl")
    assert answer.returncode == 0
    return [json.loads(row) for row in answer.stdout.split(b"\n")[:-1]]


def test_bytes_that_are_no_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(os.urandom(200_000) + b"\n" + LINE.encode() + b"\x00" * 1000 + b"\n")
    rows = explained(tmp_path / "log")
    assert rows[-2]["client"] == CLIENT
    assert all(row["reject"] for row in rows if not row["client"])
    answer = said("run", "--once", "--input", str(tmp_path / "log"), "--store", str(tmp_path / "store"))
    assert answer.returncode == 0
    assert b"no_address" in answer.stderr


def test_a_line_of_ten_megabytes(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LINE.encode() + b"x" * (10 << 20) + b"\n" + LINE.encode())
    rows = explained(tmp_path / "log")
    assert [row["reject"] for row in rows] == [None, "too_long", None]


@pytest.mark.parametrize("verb", ["explain", "run"])
def test_a_log_that_cannot_be_read(tmp_path: Path, verb: str) -> None:
    more = ["--once", "--store", str(tmp_path / "store")] if verb == "run" else []
    for path, why in ((tmp_path / "absent", b"no such file"), (tmp_path, b"directory")):
        answer = said(verb, "--input", str(path), *more)
        assert answer.returncode == 1
        assert why in answer.stderr


def test_a_second_process_on_the_same_store(tmp_path: Path) -> None:
    log, store = tmp_path / "log", tmp_path / "store"
    log.touch()
    first = subprocess.Popen([UNMASQ, "run", "--no-kernel", "--input", str(log), "--store", str(store)], stderr=subprocess.DEVNULL)
    try:
        until((store / "api.sock").exists, "the first to answer", 20)
        answer = said("run", "--no-kernel", "--input", str(log), "--store", str(store))
    finally:
        first.terminate()
        first.wait(20)
    assert answer.returncode == 1
    assert str(first.pid).encode() in answer.stderr, "it says who has it"


def test_a_log_that_vanishes_and_comes_back(tmp_path: Path) -> None:
    log, store = tmp_path / "log", tmp_path / "store"
    log.write_text(LINE)
    argv = [UNMASQ, "run", "--no-kernel", "--from-start", "--input", str(log), "--store", str(store)]
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    try:
        until(lambda: requests(store) == 1, "the first line", 20)
        log.unlink()
        until(lambda: b"tail_missing" in said("doctor", "--store", str(store), "-o", "json").stdout, "doctor to say so", 20)
        log.write_text(LINE * 2)
        until(lambda: requests(store) == 3, "the lines of the new log", 20)
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert requests(store) == 3


def requests(store: Path) -> int:
    answer = said("flows", "--store", str(store), "-o", "json")
    flows = json.loads(answer.stdout or b'{"flows": []}')["flows"]
    return sum(flow["unmasq"]["requests"] for flow in flows)


def test_a_clock_that_jumps_loses_nothing() -> None:
    story = Story()
    batches = []
    for jump in (5, -3600, 7200, -7200, 30, 90_000, -90_000, 300):
        story.kernel(connection((CLIENT, 4000 + jump % 977), story.now, id_=jump % 977))
        story.tell(line(CLIENT, 4000 + jump % 977), line(CLIENT, 5000 + jump % 977, at=NOON - 9 * SECOND))
        batches.append(story.after(jump))
    batches.append(story.end())
    assert sum(int(batch.chains.requests.sum()) for batch in batches if batch) == 16


def test_a_store_that_is_none(tmp_path: Path) -> None:
    for verb in (["trace", "1.1.1.1"], ["flows"], ["rejudge"]):
        answer = said(*verb, "--store", str(tmp_path / "nowhere"))
        assert answer.returncode == 1
        assert b"next:" in answer.stderr


@pytest.mark.parametrize("words", [["trace", "not-an-address"], ["flows", "--client", "1.2.3"], ["flows", "--since", "yesterday"], ["fly"]])
def test_wrong_use_exits_2_with_a_sentence(tmp_path: Path, words: list[str]) -> None:
    answer = said(*words, "--store", str(tmp_path))
    assert answer.returncode == 2
    assert answer.stderr
    assert not answer.stdout
