"""Writes what the corpora begin with, from the golden files and from messages as we make them: python -m tests.fuzz.seeds.

What fuzzing found stands beside it under names that begin with `found-`, and stays.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import msgspec
import zstandard

from tests.fuzz import keeping
from tests.fuzz.sending import BETWEEN
from tests.fuzz.targets import CORPUS
from tests.golden.hostile import HOSTILE, TAME
from tests.property.test_wire import SMALL
from tests.unit.observe.captures import CAPTURES, SOCKETS
from tests.unit.observe.policy_sync_messages import report
from unmasq.model import wire
from unmasq.model.proto.lines_pb2 import Begun, File, Piece, Sent

GOLDEN = Path(__file__).parents[1] / "golden"
FORMATS = (
    "nginx",
    "nginx-howto",
    "nginx-inc",
    "nginx-upstreaminfo",
    "ingress-nginx",
    "envoy",
    "traefik",
    "caddy",
    "apache",
)

Inputs = Mapping[str, bytes]


def seeds() -> dict[str, Inputs]:
    """Target -> file name -> input."""
    return {
        "lines": dict(_logs()),
        "header": {_file_name(name): value[:200] for name, value in (TAME | HOSTILE).items()},
        "cri": _framed(),
        "syslog": _datagrams(),
        "address": _addresses(),
        "claims": _header_texts(),
        "walk": _walks(),
        "batch": _batches(),
        "kept": _changed_batches(),
        "report": _reports(),
        "stream": _streams(),
        "credentials": {
            "driver": b'{"Uid":"4c","Workload":"web-1","Namespace":"shop","ServiceAccount":"default"}',
            "no-namespace": b'{"workload":"web-1"}',
        },
        "filter": _queries(),
        "conntrack": CAPTURES,
        "sock_diag": SOCKETS,
    }


def _file_name(text: str) -> str:
    return text.replace(" ", "-")


def _logs() -> Iterator[tuple[str, bytes]]:
    """Two lines of each format: the shortest one, and the shortest in which somebody forges an address."""
    for name in FORMATS:
        lines = sorted((GOLDEN / name / "access.log").read_bytes().splitlines(keepends=True), key=len)
        yield name, lines[0] + next(line for line in lines[1:] if b"6.6.6.6" in line)
    yield "cut-object", b'unmasq: {"source_port": 1, "source_ip": "198.51.100.10", "x-forwarded-for": "1.1'
    yield "blank-and-plain", b"\n  \nplain text\n"


def _framed() -> Inputs:
    out, err = b"2026-11-25T08:00:00.123456789Z stdout ", b"2026-11-25T08:00:00.5+01:00 stderr "
    payload = b'unmasq: {"source_port": 4711, "source_ip": "198.51.100.10", "x-forwarded-for": "1.1.1.1"}'
    return {
        "one": b"\x00" + out + b"F " + payload + b"\n",
        "parts-of-two-streams": b"\x00" + out + b"P " + payload[:30] + b"\n" + err + b"F noise\n" + out + b"F " + payload[30:] + b"\n",
        "tags": b"\x02" + out + b"F:more " + payload + b"\n" + out + b"P:x \n",
        "too-long": b"\x00" + (out + b"P " + b"x" * 90 + b"\n") * 3 + out + b"F y\n",
        "no-frame-between": b"\x01" + out + b"P a\nplain\n\n" + out + b"F b\n",
    }


def _datagrams() -> Inputs:
    old, new = ((GOLDEN / "haproxy" / name).read_bytes().splitlines() for name in ("haproxy.syslog", "router.syslog"))
    return {
        "haproxy": old[0] + b"\n" + old[1],
        "router": new[0],
        "rfc5424": b'<134>1 2026-11-27T23:14:23.5Z edge haproxy 7 - [a@1 x="\\"]"] \xef\xbb\xbfunmasq: {"source_ip": "198.51.100.10"}',
        "ends-in-nul": b"<13>Nov 25 08:00:00 edge nginx[7]: text\r\n\0",
    }


def _addresses() -> Inputs:
    some = {
        "v4": "192.0.2.1", "v4-port": "192.0.2.1:443", "v6": "2001:db8::1", "brackets-zone-port": '"[fe80::1%eth0]:80"',
        "mapped": "::ffff:192.0.2.1", "v6-ends-in-v4": "64:ff9b::192.0.2.33", "range-v4": "10.0.0.0/8", "range-v6": "2001:db8::/32",
        "range-of-mapped": "::ffff:10.0.0.0/104", "mask": "10.0.0.0/255.0.0.0", "unspecified": "::", "none": "unknown", "hidden": "_hidden",
    }  # fmt: skip
    return {name: text.encode() for name, text in some.items()}


def _header_texts() -> Inputs:
    return {
        "as-readers-write": b'{"x-forwarded-for":"1.1.1.1, [2001:db8::1]:80","x-real-ip":"-"}',
        "forwarded": b'{"forwarded":"for=\\"[2001:db8::1]:80\\";proto=https, for=192.0.2.1;by=_x"}',
        "escapes": b'{"x-forwarded-for":"1.1.1.1\\u002c\\ud83d\\ude00\\udc80","x-real-ip":"\\"192.0.2.1\\""}',
        "notes": b'{"x-forwarded-for":"1.1.1.1","cut":"x-real-ip","captured":"x-forwarded-for:2048;x-real-ip:1"}',
        "a-key-twice": b'{"x-real-ip":"1.1.1.1","x-real-ip":"2.2.2.2"}',
        "spaced": b' { "prefix" : "192.0.2.1" , "logged" : "192.0.2.2" } ',
    }


def _walks() -> Inputs:
    chain = "x-forwarded-for: 6.6.6.6, 198.51.100.10, 10.0.0.2"
    return {
        "direct": b"xxxx 198.51.100.10\nx-forwarded-for: 6.6.6.6",
        "chain": f"xxxx 10.0.0.1\n+10.0.0.0/8 x-forwarded-for\n{chain}".encode(),
        "proxy-protocol": f"xxxx 10.0.0.1\n+10.0.0.1 proxy-protocol\n+10.0.0.0/8\nproxy-protocol: 10.0.0.2\n{chain}".encode(),
        "forwarded": b'xxxx 10.0.0.1\n+10.0.0.1 forwarded\nforwarded: for="6.6.6.6, for=198.51.100.10;by=_x',
        "notes": b"xxxx 10.0.0.1\n+10.0.0.1\nx-forwarded-for: 1.1.1.1\ncut: x-real-ip\ncaptured: x-forwarded-for:7",
        "unwitnessed": b"xxx 10.0.0.1\n+10.0.0.1 x-real-ip\nx-real-ip: 1.1.1.1\nsource_by: x-real-ip\nprefix: 2.2.2.2",
        "logged": b"xxx \n+10.0.0.1\nlogged: 10.0.0.1",
        "reported": b"xxxx 10.0.0.1\n+10.0.0.1\nreported_by: shop/web-1\nx-real-ip: 1.1.1.1",
    }


def _batches() -> Inputs:
    """As MessagePack, which can be mutated: the target compresses it, too."""
    small = zstandard.decompress(wire.encode(replace(SMALL, id=UUID(int=7))))
    return {"small": small, "newer": msgspec.msgpack.encode(msgspec.msgpack.decode(small) | {"version": 2})}


def _changed_batches() -> Inputs:
    return {
        "as-it-is": b"",
        "flags-and-evidence": struct.pack("<BBBqBBBq", 1, 2, 0, 31, 1, 5, 1, 2),
        "nobody-was-logged": keeping.BETWEEN + b'{"logged":"-"}',
        "half-a-surrogate-pair": keeping.BETWEEN + b'{"x-forwarded-for":"\\udc80, 1.1.1.1","captured":"x-forwarded-for:1"}',
    }


def _reports() -> Inputs:
    odd = report(("1.1.1.1, 2.2.2.2", "[2001:db8::1]:80", 2), ("6.6.6.6", "", -1), value=9)
    made = {"two": report(("1.1.1.1", "2.2.2.2", 3), ("2001:db8::1", "", 1)), "odd": odd, "nobody": report(value=0)}
    return {name: message.SerializeToString(deterministic=True) for name, message in made.items()}


def _streams() -> Inputs:
    file = File(device=1, inode=7, fingerprint="4-abc")
    line = b'unmasq: {"source_port": 4711, "source_ip": "198.51.100.10", "x-forwarded-for": "1.1.1.1"}\n'
    begun = Sent(begun=Begun(file=file, offset=0))
    first = Sent(piece=Piece(file=file, path="log", start=0, data=line, live=True))
    second = Sent(piece=Piece(file=file, path="log", start=len(line), data=line, skipped=5))
    made = {"one": [begun, first], "two": [begun, first, second], "again": [begun, first, first], "not-begun": [first]}
    return {name: BETWEEN.join(each.SerializeToString(deterministic=True) for each in some) for name, some in made.items()}


def _queries() -> Inputs:
    return {
        "address": b"any=203.0.113.0%2F24&client=192.0.2.77&last=1d",
        "left-out": b"x=client%3D192.0.2.77&x=status=4xx&exclude=port=443",
        "pods": b"to-namespace=sh*&to_pod=web-%3F",
        "words": b"evidence=none&join=nat&flag=all_trusted&header=x-real-ip&via=203.0.113.9",
        "asked": b"host=%5B%C3%A9%5D*&path=/log&status=4xx&service=pay",
        "times": b"since=2024-10-04T00:00:00Z&until=2024-10-05",
        "unknown": b"clint=1",
        "alias": b"original_source_ip=192.0.2.77&source=::/0&dest=10.0.0.80&nat-source=198.51.100.1",
    }


def main() -> None:
    for target, inputs in seeds().items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if not old.name.startswith("found-"):
                old.unlink()
        for name, data in inputs.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
