"""What a client may write to be taken for somebody else, or for nobody: lines of a request's head, as they go over the wire.

Every address in them is one of 6.6.6.0/24 or 2001:db8:666::/48, which nobody in the lab has.
"""

from collections.abc import Mapping

OURS = b'unmasq: {"source_port": 1, "destination_ip": "6.6.6.1", "destination_port": 80, "source_ip": "6.6.6.2"}'
"""A whole line of ours, for a text in which it may be taken for one."""

_XFF = b"X-Forwarded-For: "
_NAMED = {
    "one": b"6.6.6.6",
    "a list": b"6.6.6.6, 6.6.6.7",
    "no space": b"6.6.6.6,6.6.6.7",
    "an empty element at the end": b"6.6.6.6,",
    "empty elements": b",, 6.6.6.6 ,,,",
    "commas alone": b",,,",
    "spaces around": b"   \t 6.6.6.6 \t  ",
    "quotes": b'"6.6.6.6"',
    "a quote that is left open": b'6.6.6.6, "6.6.6.7',
    "a comma in quotes": b'"6.6.6.6, 6.6.6.7"',
    "an escaped quote": b'6.6.6.6\\", "source_ip": "6.6.6.7',
    "another key": b'6.6.6.6", "source_ip": "6.6.6.7", "x-real-ip": "6.6.6.8',
    "an end and another line": b'6.6.6.6"} ' + OURS,
    "a node of Forwarded": b"for=6.6.6.6",
    "a node of Forwarded in quotes": b'for="[2001:db8:666::6]:80";proto=https',
    "unicode digits": "\uff16.\uff16.\uff16.\uff16, \u0666.\u0666.\u0666.\u0666".encode(),
    "a dot that is none": "6\u30026\u30026\u30026".encode(),
    "an IPv4 address in IPv6": b"::ffff:6.6.6.6",
    "the same in hexadecimal": b"::ffff:606:606",
    "a port": b"6.6.6.6:4711",
    "brackets and a port": b"[2001:db8:666::6]:4711",
    "brackets": b"[2001:db8:666::6]",
    "a bracket that is left open": b"[2001:db8:666::6, 6.6.6.6",
    "a zone": b"fe80::6%eth0, 2001:db8:666::6%25eth0",
    "octal and short": b"0006.6.6.6, 6.6, 0x06060606, 101058054",
    "a range": b"6.6.6.0/24",
    "names": b"unknown, _hidden, localhost, -",
    "8 KB": b"6.6.6.6, " * 880 + b"6.6.6.7",
    "8 KB of one element": b"6" * 8000,
    "not UTF-8": b"\xff\xfe6.6.6.6\x80",
    "half a character": b"6.6.6.6\xed\xa0\x80",
    "control characters": b"6.6.6.6\x01\x1b[31m\x7f",
    "NUL": b"6.6.6.6\x00, 6.6.6.7",
    "a lone carriage return": b"6.6.6.6\r, 6.6.6.7",
    "the proxy's own address": b"6.6.6.6, 10.244.1.10",
    "the edge's address": b"6.6.6.6, 203.0.113.20",
}
_LINES = {
    "two lines": b"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.7\r\n",
    "many lines": b"X-Forwarded-For: 6.6.6.6\r\n" * 40,
    "an empty line of it first": b"X-Forwarded-For:\r\nX-Forwarded-For: 6.6.6.6\r\n",
    "folded": b"X-Forwarded-For: 6.6.6.6\r\n , 6.6.6.7\r\n",
    "folded at once": b"X-Forwarded-For:\r\n\t6.6.6.6\r\n",
    "a space before the colon": b"X-Forwarded-For : 6.6.6.6\r\n",
    "another case": b"x-fOrWaRdEd-fOr: 6.6.6.6\r\nX-REAL-IP: 6.6.6.7\r\n",
    "underscores": b"X_Forwarded_For: 6.6.6.6\r\nX_Real_IP: 6.6.6.7\r\n",
    "one line by underscores, one not": b"X_Forwarded_For: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.7\r\n",
    "X-Real-IP": b"X-Real-IP: 6.6.6.6\r\n",
    "X-Real-IP against X-Forwarded-For": b"X-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.7\r\n",
    "two of X-Real-IP": b"X-Real-IP: 6.6.6.6\r\nX-Real-IP: 6.6.6.7\r\n",
    "X-Real-IP as a list": b"X-Real-IP: 6.6.6.6, 6.6.6.7\r\n",
    "Forwarded": b'Forwarded: for=6.6.6.6;by=6.6.6.7, for="[2001:db8:666::6]:80"\r\n',
    "Forwarded that ends nowhere": b'Forwarded: for="6.6.6.6\r\n',
    "headers of networks": b"CF-Connecting-IP: 6.6.6.6\r\nTrue-Client-IP: 6.6.6.7\r\nX-Client-IP: 6.6.6.8\r\nFastly-Client-IP: 6.6.6.9\r\n",
    "headers of proxies": b"X-Envoy-External-Address: 6.6.6.6\r\nX-Original-Forwarded-For: 6.6.6.7\r\nX-Forwarded: 6.6.6.8\r\n",
    "headers that are to be dropped": b"Connection: close, X-Forwarded-For, X-Real-IP\r\nX-Forwarded-For: 6.6.6.6\r\n",
    "a user agent with our marker": b"User-Agent: " + OURS + b"\r\n",
    "a user agent that ends the line's JSON": b'User-Agent: x"} ' + OURS + b"\r\n",
    "a user agent with keys": b'User-Agent: x", "source_ip": "6.6.6.6", "x-forwarded-for": "6.6.6.7\r\n',
    "a referer with our marker": b"Referer: http://x/" + OURS + b"\r\n",
    "a PROXY header in a header": b"X-Forwarded-For: PROXY TCP4 6.6.6.6 6.6.6.7 1 2\r\n",
}

TRICKS: Mapping[str, bytes] = {name: _XFF + value + b"\r\n" for name, value in _NAMED.items()} | _LINES
"""What it is -> the lines."""

PROXY_HEADERS: Mapping[str, bytes] = {
    "PROXY v1": b"PROXY TCP4 6.6.6.6 6.6.6.7 1111 80\r\n",
    "PROXY v1, IPv6": b"PROXY TCP6 2001:db8:666::6 2001:db8:666::7 1111 80\r\n",
    "PROXY v1, unknown": b"PROXY UNKNOWN 6.6.6.6 6.6.6.7 1111 80\r\n",
    "PROXY v2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x06\x06\x06\x06\x06\x06\x06\x07\x04\x57\0\x50",
    "PROXY v2, local": b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    "two of them": b"PROXY TCP4 6.6.6.6 6.6.6.7 1 80\r\nPROXY TCP4 6.6.6.8 6.6.6.9 1 80\r\n",
}
"""What is sent before a request, by somebody who may not."""
