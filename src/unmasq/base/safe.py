"""Text that came from a log or a header, made harmless for the place where it is shown.

Whoever writes a header writes these bytes, so each exit has its own escaping and nothing is shown without one.
"""

import re
from html import escape
from itertools import filterfalse

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")
_CONTROL_BYTES = re.compile(
    # as _CONTROL, of what JSON leaves as it is
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]"
)
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#!|~&])")  # what means something in the middle of a line


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def terminal(text: str) -> str:
    r"""One line of text without control, escape or direction-changing characters; those are shown as \xNN or \uNNNN."""
    return _CONTROL.sub(_visible, text)


def html(text: str) -> str:
    """Text between tags, or an attribute's value in quotes, of HTML, SVG or XML."""
    return escape(terminal(text), quote=True)


def markdown(text: str) -> str:
    """Text that a Markdown renderer shows as it is: no link, no table cell, no HTML."""
    return _MARKDOWN.sub(r"\\\1", terminal(text))


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def cell(text: str) -> str:
    """A cell of a CSV that no spreadsheet takes for a formula."""
    shown = terminal(text)
    return f"'{shown}" if len(shown) > 1 and shown.startswith(("=", "+", "-", "@")) else shown


def json(document: bytes) -> bytes:
    r"""A JSON document in UTF-8 that means the same, but holds no character that could steer a terminal: those are \uNNNN."""
    return _CONTROL_BYTES.sub(lambda match: b"\\u%04x" % ord(match.group().decode()), document)


def utf8(texts: list[str]) -> list[str]:
    """The texts, with what UTF-8 has no bytes for (half a surrogate pair) written as an escape."""
    try:
        "".join(filterfalse(str.isascii, texts)).encode()  # a text knows whether it is ASCII, as most are, without being read
    except UnicodeEncodeError:
        return [text.encode("utf-8", "backslashreplace").decode() for text in texts]
    return texts
