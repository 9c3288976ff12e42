"""The files beside the pages: style, script, icon. Their addresses change with their content, so that browsers may keep them."""

import hashlib
from functools import cache
from importlib.resources import files

TYPES = {"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}
"""All of them, with what they are."""

PREFIX = "/static/"


@cache
def content(name: str) -> bytes:
    """A file; the style of the pages and that of the pictures are one. Raises KeyError for any other name."""
    if name not in TYPES:
        raise KeyError(name)
    if name == "app.css":
        return b"\n".join(_read(*place) for place in (("serve.pages.static", "app.css"), ("show.draw", "draw.css")))
    return _read("serve.pages.static", name)


def address(name: str) -> str:
    """Where a page finds a file. Raises KeyError for one that there is not."""
    return f"{PREFIX}{hashlib.sha256(content(name)).hexdigest()[:12]}/{name}"


def _read(package: str, name: str) -> bytes:
    folder = files("unmasq")
    for part in package.split("."):
        folder = folder / part
    return (folder / name).read_bytes()
