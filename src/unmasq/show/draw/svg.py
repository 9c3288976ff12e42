"""The elements of a picture, and the one place where what is shown in it is escaped."""

from typing import NewType

from unmasq.base.safe import html, terminal

Svg = NewType("Svg", str)
"""A text that is safe to stand in a page: only this module makes one of anything else."""


def element(tag: str, /, *inside: Svg, **attributes: str | float | None) -> Svg:
    """One element: `class_` is written class, `aria_label` aria-label; an attribute that is None is left out."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items() if value is not None)
    return Svg(f"<{tag}{written}>{''.join(inside)}</{tag}>" if inside else f"<{tag}{written}/>")


def _value(value: str | float) -> str:
    return html(value) if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """A length or a place, to a tenth of a pixel: 12, 12.5."""
    return f"{value:.1f}".removesuffix(".0")


def text(words: str) -> Svg:
    """Text as it is, whatever it holds."""
    return Svg(html(words))


def label(words: str, x: float, y: float, kind: str = "label") -> Svg:
    """Text at a place; its class says how it is set."""
    return element("text", text(words), class_=kind, x=x, y=y)


def named(name: str, *inside: Svg, href: str | None = None, kind: str | None = None) -> Svg:
    """Marks with a name for whoever cannot see them, or points at them; a link where `href` leads within these pages."""
    title = element("title", text(name))
    if href is not None and _is_own(href):
        return element("a", title, *inside, href=href, class_=kind)
    return element("g", title, *inside, class_=kind)


def _is_own(href: str) -> bool:
    """Whether it is a place of our own server: no other scheme or host, as a text from a log could be.

    It is looked at as it will be written: an escaped tab brings a backslash, which browsers take for a slash.
    """
    written = terminal(href)
    return written.startswith(("?", "#", "/")) and not written.startswith(("//", "/\\"))


def picture(name: str, width: float, height: float, *inside: Svg, kind: str, has_links: bool) -> Svg:
    """The whole picture. One with links is a group to assistive programs: the inside of an image would be hidden from them."""
    role = "group" if has_links else "img"
    box = f"0 0 {number(width)} {number(height)}"
    return element(
        "svg", *inside, xmlns="http://www.w3.org/2000/svg", class_=kind, role=role, aria_label=name, viewBox=box, width=width, height=height
    )
