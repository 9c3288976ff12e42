"""Lines that come to a running `unmasq run` as syslog datagrams, up to the flows that it keeps."""

import json
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab.deadline import until
from tests.story.test_bad_input import UNMASQ, requests, said

HEAD = '"source_port": "4711", "destination_ip": "10.0.0.1", "destination_port": "80", "source_ip": "192.0.2.7"'


def message(captured: str = "-") -> bytes:
    stamp = time.strftime("%b %d %H:%M:%S").encode()
    return b"<134>%s haproxy[7]: unmasq: {%s}\n" % (stamp, f'{HEAD}, "x-forwarded-for": "1.1.1.1", "captured": "{captured}"'.encode())


@pytest.fixture
def running(tmp_path):
    place, store = tmp_path / "log.sock", tmp_path / "store"
    process = subprocess.Popen([UNMASQ, "run", "--no-kernel", "--syslog", f"unix:{place}", "--store", str(store)], stderr=subprocess.PIPE)
    until((store / "api.sock").exists, "the program to answer", 20)
    yield process, place, store
    process.kill()
    process.communicate()


def send(place: Path, *datagrams: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, str(place))


def test_lines_become_flows_and_what_came_last_is_kept_at_the_end(running):
    process, place, store = running
    send(place, message())
    until(lambda: requests(store) == 1, "the first line", 20)
    send(place, message(), message() * 2, b"", message()[:-30])
    process.terminate()
    assert process.wait(20) == 0
    said_last = process.stderr.read().decode()
    assert f"syslog on unix:{place}" in said_last
    assert "read 6 lines, rejected 2 (1 blank, 1 too_long)" in said_last
    assert not place.exists()
    (flow,) = json.loads(said("flows", "--store", str(store), "-o", "json").stdout)["flows"]
    assert (flow["source_ip"], flow["unmasq"]["time_source"]) == ("192.0.2.7", "log")
    assert requests(store) >= 4


def test_the_doctor_tells_what_is_heard_and_after_kill_9_the_place_is_free_again(running):
    process, place, store = running
    send(place, b"nothing of ours")
    found = until(lambda: checks(store).get("log") if "1 line" in checks(store).get("log", "") else None, "the doctor to see it", 20)
    assert found == f"1 line read from syslog on unix:{place}"
    if int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) < 512:
        assert "datagrams for a Unix socket" in checks(store)["syslog"]
    process.kill()
    process.wait(20)
    assert place.exists()
    again = subprocess.Popen([UNMASQ, "run", "--no-kernel", "--syslog", f"unix:{place}", "--store", str(store)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: "no line" in checks(store).get("log", ""), "a new process to answer", 20)
    finally:
        again.terminate()
        assert again.wait(20) == 0


def checks(store: Path) -> dict[str, str]:
    """What the doctor says of each link."""
    answer = json.loads(said("doctor", "--store", str(store), "-o", "json").stdout or b"{}")
    return {check["link"]: check["seen"] for check in answer.get("checks", [])}
