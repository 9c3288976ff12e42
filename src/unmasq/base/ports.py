"""Ports as people and settings write them."""


def port_of(text: str) -> int | None:
    """A port in decimal digits, 0 to 65535; None for anything else, also for digits of other scripts."""
    well = text.isascii() and text.isdigit() and len(text) <= 5 and int(text) < 1 << 16
    return int(text) if well else None
