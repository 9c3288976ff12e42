"""Flows whose source another node translated, and that node's records of them."""

from collections.abc import Sequence

from tests.story.traffic import NODE, PROXY
from unmasq.model.address import NONE, parse
from unmasq.model.translation import Translations


def record(client: tuple[str, int], start: int, end: int = 0, *, seen_as: tuple[str, int] = (NODE, 4000), seen: int = 0) -> Translations:
    """What another node says: its client's connection to PROXY:80 came out as `seen_as`; last seen at its end, or start."""
    names: dict[str, Sequence[int]] = {"protocol": [6], "start_us": [start], "end_us": [end], "seen_us": [seen or end or start]}
    for name, (address, port) in {"source": seen_as, "dest": (PROXY, 80), "orig_source": client}.items():
        hi, lo = parse(address) or NONE
        names |= {f"{name}_hi": [hi], f"{name}_lo": [lo], f"{name}_port": [port]}
    return Translations.of(names)
