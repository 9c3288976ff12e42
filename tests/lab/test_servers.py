"""What the lab's proxies write, keep and do, as far as other tests lean on it."""

import json
import os
import re

import pytest

from . import http2
from . import topology as at
from .client import Connection
from .cluster import Lab
from .conntrack import entries
from .deadline import until
from .formats import log_format
from .network import Network
from .proxies import Backend, Edge, Nginx

pytestmark = pytest.mark.needs("lab")
HOSTILE = (b'1.1.1.1", "source_ip": "6.6.6.6', b"\\", b"\x01\t\x1b", "é\u2028".encode(), b"\xff\xfe", b"{}", b"", b"-")


def test_hostile_bytes_of_one_connection_reach_the_log(lab: Lab):
    seed, unescaped = lab.nginx.new_lines("seed"), lab.nginx.new_lines("unescaped")
    with lab.connect("c1", at.INGRESS) as connection:
        for value in HOSTILE:
            assert connection.request("/local", [("X-Forwarded-For", value)]).status == 200
    assert [claimed(line) for line in seed.wait(len(HOSTILE))] == list(HOSTILE)
    assert all(value.strip() in line for value, line in zip(HOSTILE, unescaped.wait(len(HOSTILE)), strict=True))


def test_every_format_has_its_own_log(lab: Lab):
    new = {name: lab.nginx.new_lines(name) for name in lab.nginx.formats}
    lab.request("c1", at.INGRESS, 80, "/local")
    starts = {name: lines.wait()[0] for name, lines in new.items()}
    assert starts["seed"].startswith(b'tigera_secure_ee_ingress: {"source_port": ')
    assert starts["plain"].startswith(f"{at.C1} - - [".encode())
    assert starts["upstreaminfo"].startswith(f"{at.C1} - - [".encode())
    assert b"tigera_secure_ee_ingress: {" in starts["upstreaminfo"]
    assert json.loads(starts["extended"].partition(b": ")[2])["namespace"] == "shop"


def test_streams_of_one_connection_share_its_port(lab: Lab):
    new = lab.nginx.new_lines("seed")
    with lab.connect("c1", at.INGRESS, 8082) as connection:
        assert http2.request_all(connection, [[("x-forwarded-for", f"9.9.9.{n}")] for n in range(50)], "/local") == 50
        port = connection.local_port
    lines = [json.loads(line.partition(b": ")[2]) for line in new.wait(50)]
    assert {line["source_port"] for line in lines} == {port}
    assert {line["x-forwarded-for"] for line in lines} == {f"9.9.9.{n}" for n in range(50)}


def test_rotation_moves_the_old_lines_and_opens_new_files(lab: Lab):
    with lab.connect("c1", at.INGRESS) as connection:
        connection.request("/local")
        old = lab.nginx.rotate()["seed"]
        until(lambda: connection.request("/local").status == 200 and lab.nginx.log().stat().st_size > 0, "lines in the new file")
        port = str(connection.local_port).encode()
    assert port in old.read_bytes()
    assert port in lab.nginx.log().read_bytes()


def test_a_pool_gives_a_client_many_sources(lab: Lab):
    sources = ["198.18.0.1", "198.18.255.254", "2001:db8:c1::abcd"]
    new = lab.nginx.new_lines("plain")
    for source in sources:
        lab.request("c1", at.INGRESS_V6 if ":" in source else at.INGRESS, 80, "/local", source=source)
    lab.request("c2", at.NODE, 30080, "/local", source="198.19.7.7")
    assert [line.split()[0].decode() for line in new.wait(4)] == [*sources, "198.19.7.7"]


def test_the_slow_path_is_slow(lab: Lab):
    new = lab.nginx.new_lines("extended")
    assert lab.request("c1", at.INGRESS, 80, "/slow").status == 200
    assert float(json.loads(new.wait()[0].partition(b": ")[2])["duration"]) > 1


def test_servers_start_again_with_other_settings_and_a_further_format(tmp_path):
    mine = {"mine": log_format("mine", "it's a \\ $realip_remote_addr")}
    with (
        Network(f"umother{os.getpid()}", state=tmp_path) as network,
        Backend(network),
        Nginx(network, mine) as nginx,
        Edge(network, "always") as edge,
    ):
        assert None not in (nginx.pid, edge.pid)
        nginx.stop()
        nginx.stop()
        assert nginx.pid is None
        nginx.start()
        for host in ("c1", "c2"):
            with Connection(network.namespace_path(host), at.EDGE, 80) as connection:
                assert connection.request().status == 200
        until(lambda: nginx.log("mine").read_bytes() == b"it's a \\ 203.0.113.20\n" * 2, "two lines of the further format")
        assert len({entry.id for entry in entries(network) if entry.original.destination_port == 30080}) == 1
    assert nginx.pid is None
    assert nginx.log("mine").exists(), "a state folder of the caller's own stays"


def claimed(line: bytes) -> bytes:
    """The bytes of X-Forwarded-For in a line with default escaping."""
    found = re.search(rb'"x-forwarded-for": "(.*?)", "x-real-ip"', line)
    assert found
    return re.sub(rb"\\x([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), found[1])
