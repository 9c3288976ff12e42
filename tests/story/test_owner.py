"""A store that is being filled: whoever asks sees what is new, whoever follows sees it once."""

import json
import subprocess
import sys
import threading

import httpx2

from tests.contract import shop
from tests.contract.traffic import MINUTE_US, MadeChain, MadeFlow, batch
from unmasq.base.clock import SystemClock
from unmasq.cli.program import run
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.openpart import OpenPart
from unmasq.serve.owner import Owner
from unmasq.serve.questions import of_live
from unmasq.serve.socket import short_path

CLOCK = SystemClock()


def one(source: str, number: int) -> FlowBatch:
    """A flow of this very minute."""
    minute = CLOCK.now_us() // MINUTE_US - 20_000 * 1440
    return batch([MadeFlow(minute=minute, source=source, chains=(MadeChain(),))], shop.TRUST, first_id=number, first_line=number * 10)


def following(folder, form):
    program = [sys.executable, "-c", "from unmasq.cli import main; main()", "flows", "--follow", "--store", str(folder), "-o", form]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_until(stream, wanted):
    """Lines up to the one that has the word; up to the end, where it never comes."""
    lines: list[str] = []
    for line in stream:
        lines.append(line)
        if wanted in line:
            break
    return lines


def test_a_follower_sees_every_flow_once_and_an_end_of_the_owner_as_an_error(tmp_path):
    folder = tmp_path / "store"
    with DuckStore(folder) as store:
        live = LiveStore(store, CLOCK)
        live.append(one("198.51.100.1", 1))
        with Owner(folder, of_live(live, CLOCK), CLOCK):
            follower = following(folder, "jsonl")
            watchdog = threading.Timer(30, follower.kill)
            watchdog.start()
            first = read_until(follower.stdout, "198.51.100.1")
            live.append(one("198.51.100.2", 2))
            live.flush()
            second = read_until(follower.stdout, "198.51.100.2")
            live.append(one("198.51.100.3", 3))
            third = read_until(follower.stdout, "198.51.100.3")
    watchdog.cancel()
    out, err = follower.communicate(timeout=60)
    assert [json.loads(line)["source_ip"] for line in [*first, *second, *third]] == ["198.51.100.1", "198.51.100.2", "198.51.100.3"]
    assert out == ""
    assert "does not answer" in err
    assert follower.returncode == 1


def test_an_open_flow_is_found_while_it_waits(tmp_path, capsys):
    folder = tmp_path / "store"
    with DuckStore(folder) as store:
        live = LiveStore(store, CLOCK, lambda _known: [OpenPart(1, one("198.51.100.9", 1))])
        with Owner(folder, of_live(live, CLOCK), CLOCK):
            assert run(["flows", "--client", "198.51.100.9", "--store", str(folder), "-o", "json"]) == 0
            assert json.loads(capsys.readouterr().out)["flows"][0]["unmasq"]["provisional"]
            assert run(["trace", "198.51.100.9", "--store", str(folder)]) == 0
            assert "client of 1 request on 1 connection" in capsys.readouterr().out


def test_what_is_printed_is_the_body_of_the_api_whoever_answers(tmp_path, capsys):
    folder = shop.make_store(tmp_path / "store")
    asked = {
        "/api/v1/trace/198.51.100.0%2F24": ["trace", "198.51.100.0/24"],
        "/api/v1/flows?client=198.51.100.10&limit=5": ["flows", "--client", "198.51.100.10", "--limit", "5"],
        "/api/v1/trust": ["config", "trust", "list"],
    }

    def printed():
        ended = [(run([*tokens, "--store", str(folder), "-o", "json"]), capsys.readouterr().out) for tokens in asked.values()]
        assert {code for code, _ in ended} == {0}
        return [out for _, out in ended]

    at_rest = printed()
    with DuckStore(folder) as store, Owner(folder, of_live(LiveStore(store, CLOCK), CLOCK), CLOCK), short_path(folder) as path:
        with httpx2.Client(transport=httpx2.HTTPTransport(uds=path), base_url="http://unmasq", trust_env=False) as client:
            bodies = [client.get(url).text for url in asked]
        assert printed() == at_rest == bodies
