"""Lines behind a socket of the proxy's own: what a PROXY header on it says is the source, marked as such."""

import json

import pytest

from tests.property.twins import each_twin
from unmasq.model.address import to_text
from unmasq.model.ingress import Chunk, FileIdentity, Reject
from unmasq.read.formats.lines import LineReader

READ_US = 1_900_000_000_000_000
OUTSIDE, BALANCER, ROUTER = "198.51.100.10", "203.0.113.20", "10.244.1.10"
HEAD = (
    '"source_port": "%s", "destination_ip": "%s", "destination_port": "%s", "source_ip": "%s", '
    '"x-forwarded-for": "1.1.1.1", "x-real-ip": "-"'
)
PROXY = ', "proxy_protocol_ip": "%s", "proxy_protocol_port": "%s", "proxy_protocol_server_ip": "%s", "proxy_protocol_server_port": "%s"'
SEEN = ("4444", ROUTER, "443", OUTSIDE)
NO_ADDRESS = ("-", "-", "-", "-")
CLAIMS = {"x-forwarded-for": "1.1.1.1", "x-real-ip": "-"}


def line(socket, proxy=None):
    told = PROXY % (proxy[3], proxy[0], proxy[1], proxy[2]) if proxy else ""
    return "tigera_secure_ee_ingress: {" + HEAD % socket + told + "}\n"


def read(text, native):
    reader = LineReader(native)
    batch = reader.read(Chunk(FileIdentity(1, 1, ""), "log", 0, text.encode()), READ_US)
    addresses = zip(batch.source_hi.tolist(), batch.source_lo.tolist(), batch.dest_hi.tolist(), batch.dest_lo.tolist(), strict=True)
    ports = zip(batch.source_port.tolist(), batch.dest_port.tolist(), strict=True)
    ends = [(to_text(*found[:2]), port[0], to_text(*found[2:]), port[1]) for found, port in zip(addresses, ports, strict=True)]
    return ends, [json.loads(each or "{}") for each in reader.vocabulary.texts(batch.headers.tolist())], batch.reject.tolist()


@each_twin
@pytest.mark.parametrize(
    ("socket", "proxy", "ends", "said"),
    [
        (SEEN, None, (OUTSIDE, 4444, ROUTER, 443), {}),
        (SEEN, NO_ADDRESS, (OUTSIDE, 4444, ROUTER, 443), {"proxy-protocol": "-"}),
        (SEEN, SEEN, (OUTSIDE, 4444, ROUTER, 443), {"proxy-protocol": "-"}),
        (SEEN, ("1", "9.9.9.9", "2", "8.8.8.8"), (OUTSIDE, 4444, ROUTER, 443), {"proxy-protocol": "8.8.8.8"}),
        (NO_ADDRESS, SEEN, (OUTSIDE, 4444, ROUTER, 443), {"proxy-protocol": "-", "source_by": "proxy-protocol"}),
        (("", "", "", "unix:"), SEEN, (OUTSIDE, 4444, ROUTER, 443), {"proxy-protocol": "-", "source_by": "proxy-protocol"}),
    ],
)
def test_the_ends_are_what_the_socket_saw_else_what_the_inner_hop_told(native, socket, proxy, ends, said):
    """Among others, so that no row takes another's."""
    around = [line(SEEN, SEEN), line(SEEN, NO_ADDRESS), line(NO_ADDRESS, SEEN)]
    found, headers, rejects = read("".join([*around, line(socket, proxy), *around]), native)
    assert rejects == [Reject.NONE] * 7
    assert (found[3], headers[3]) == (ends, CLAIMS | said)
    assert (found[:3], headers[:3]) == (found[4:], headers[4:])


@each_twin
def test_nobody_is_the_source_where_neither_names_one(native):
    ends, _, rejects = read(line(NO_ADDRESS, NO_ADDRESS), native)
    assert (ends, rejects) == ([("", 0, "", 0)], [Reject.NO_SOURCE])
