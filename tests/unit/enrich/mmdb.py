"""A small MMDB as its public specification describes it: networks in a binary tree, values behind it, facts about it at the end."""

from ipaddress import ip_network

MARKER = b"\xab\xcd\xefMaxMind.com"
BUILT = 1_700_000_000


def encoded(value):
    """A text, a whole number, a list or a map."""
    if isinstance(value, str):
        return head(2, len(value.encode())) + value.encode()
    if isinstance(value, int):
        raw = value.to_bytes((value.bit_length() + 7) // 8)
        return head(6 if len(raw) <= 4 else 9, len(raw)) + raw
    if isinstance(value, list):
        return head(11, len(value)) + b"".join(map(encoded, value))
    return head(7, len(value)) + b"".join(encoded(key) + encoded(inside) for key, inside in value.items())


def head(kind, size):
    short = bytes([(kind << 5 if kind < 8 else 0) | min(size, 29)])
    return short + (bytes([kind - 7]) if kind >= 8 else b"") + (bytes([size - 29]) if size >= 29 else b"")


def written(name, networks):
    """The file; IPv4 lies in ::/96, as everywhere in this format."""
    nodes: list[list[int | None]] = [[None, None]]
    data = b""
    for text, value in networks.items():
        network = ip_network(text)
        bits = f"{int(network.network_address):0128b}"[: network.prefixlen + (96 if network.version == 4 else 0)]
        at = 0
        for bit in map(int, bits[:-1]):
            after = nodes[at][bit]
            if after is None:
                after = nodes[at][bit] = len(nodes)
                nodes.append([None, None])
            at = after
        nodes[at][int(bits[-1])] = -1 - len(data)
        data += encoded(value)
    tree = b"".join(record(side, len(nodes)).to_bytes(3) for node in nodes for side in node)
    about = {"node_count": len(nodes), "record_size": 24, "ip_version": 6, "database_type": name, "languages": ["en"]}
    about |= {"binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": BUILT, "description": {"en": name}}
    return tree + bytes(16) + data + MARKER + encoded(about)


def record(side, count):
    """Another node, nothing, or so far into the data."""
    if side is None:
        return count
    return side if side >= 0 else count + 16 + (-1 - side)
