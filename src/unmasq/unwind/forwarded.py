"""The header `Forwarded` of RFC 7239: its elements, and the address that one names.

Elements are found from the right, where the last proxy wrote. What a client sends in front of that, such as a quote that never
ends, must neither swallow nor forge what a proxy appends; and what a proxy quotes can never be read as an element by itself,
since every quote within it is escaped.
"""

import re

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_BARE = r"[^\x00-\x20\x7f\"\\,;]++"
"""More than a token: many proxies leave out the quotes that a colon or bracket needs."""
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_PAIR = re.compile(rf"[ \t]*+({_NAME})[ \t]*+=[ \t]*+({_QUOTED}|{_BARE})[ \t]*+", re.DOTALL)
_SPACE = re.compile(r"[ \t]*+")
_PORT_NAME = re.compile(r":_[0-9A-Za-z._-]+$")


def elements(value: str) -> list[str]:
    """The elements of all header lines, joined by commas, left to right as they were written; empty ones are left out.

    Where nothing well-formed ends, the whole rest is one element, which names nobody.
    """
    found, end = [], len(value)
    comma = value.rfind(",")
    while comma >= 0:
        if _pairs(value, comma + 1, end) is not None:
            found.append(value[comma + 1 : end])
            end = comma
        comma = value.rfind(",", 0, comma)
    found.append(value[:end])
    return [text for text in (part.strip(" \t") for part in reversed(found)) if text]


def node(element: str) -> str:
    """The node of the parameter `for`, without quotes and without a port that is only a name.

    The empty text where there is none: an element that is not well-formed, or that names a parameter twice.
    """
    pairs = _pairs(element, 0, len(element)) or []
    names = [name.lower() for name, _ in pairs]
    if "for" not in names or len(set(names)) < len(names):
        return ""
    return _PORT_NAME.sub("", _unquoted(pairs[names.index("for")][1]))


def _pairs(text: str, at: int, end: int) -> list[tuple[str, str]] | None:
    """The parameters of the one element between two places; None where it is not well-formed."""
    found = []
    while True:
        pair = _PAIR.match(text, at, end)
        if pair:
            found.append((pair[1], pair[2]))
        blank = pair or _SPACE.match(text, at, end)
        at = blank.end() if blank else at
        if at == end:
            return found
        if text[at] != ";":
            return None
        at += 1


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL) if value.startswith('"') else value
