"""Header values that have broken a log or its reader, by what is in them."""

TAME = {
    "one": b"198.51.100.77",
    "forged": b"6.6.6.6, 198.51.100.77",
    "v6": b"2001:db8:9::77",
}
HOSTILE = {
    "quote": b'1.1.1.1"',
    "injected key": b'1.1.1.1", "source_ip": "6.6.6.6',
    "injected payload": b'x"} tigera_secure_ee_ingress: {"source_port": 1, "destination_ip": "10.0.0.9", '
    b'"destination_port": 2, "source_ip": "6.6.6.6',
    "second marker": b'unmasq: {"source_ip": "6.6.6.6"}',
    "backslash": b"1.1.1.1\\",
    "escaped quote": b'1.1.1.1\\", "source_ip": "6.6.6.6',
    "literal hex": b"\\x41\\x22",
    "tab": b"1.1.1.1\t2.2.2.2",
    "control": b"\x01\x02\x1b[31m",
    "delete": b"\x7f",
    "utf-8": "é\u2028\u0085".encode(),
    "not utf-8": b"\xff\xfe",
    "surrogate": b"\xed\xa0\x80",
    "braces": b"}{ }}{",
    "dash": b"-",
    "empty": b"",
    "odd hops": b"unknown, _hidden, 198.51.100.7:4711, [2001:db8::9]:80",
    "long": b"1.1.1.1, " * 700 + b"9.9.9.9",
}  # fmt: skip
