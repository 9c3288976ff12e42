"""Counts, times, spans and evidence in words."""

from collections.abc import Mapping
from datetime import UTC, tzinfo

from unmasq.base.clock import MICROSECONDS
from unmasq.base.moments import moment
from unmasq.base.safe import terminal

_SPANS = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def count(number: int) -> str:
    """1,204."""
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """1 request, 1,204 requests, 3 addresses."""
    plural = "es" if noun.endswith("s") else "s"
    return f"{count(number)} {noun}" + ("" if number == 1 else plural)


def time(us: int, zone: tzinfo | None = UTC) -> str:
    """Date, seconds and zone: 2026-11-22 08:01:12Z. A zone of None is the machine's own."""
    at = moment(us).astimezone(zone)
    return at.strftime("%Y-%m-%d %H:%M:%S") + _zone(at.strftime("%z"))


def _zone(offset: str) -> str:
    return "Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:5]}"


def zone(us: int, zone: tzinfo | None = UTC) -> str:
    """What clocks of the zone are set to at that time: UTC, +02:00."""
    return _zone(moment(us).astimezone(zone).strftime("%z")).replace("Z", "UTC")


def span(first_us: int, last_us: int, zone: tzinfo | None = UTC) -> str:
    """From when to when; the date of the end is left out where it is that of the beginning."""
    first, last = time(first_us, zone), time(last_us, zone)
    if first == last:
        return first
    return f"{first} to {last[11:] if first[:10] == last[:10] else last}"


def ago(us: int, now_us: int) -> str:
    """12 days ago, 2 s ago; "just now" for less than a second, also where clocks disagree."""
    seconds = (now_us - us) // MICROSECONDS
    for length, noun in _SPANS:
        if seconds >= 2 * length or (seconds >= length and noun == "day"):
            return f"{counted(seconds // length, noun)} ago"
    return f"{seconds} s ago" if seconds >= 1 else "just now"


def percent(part: int, whole: int) -> str:
    """99.8 %; 100 % only if nothing is missing, `-` of nothing."""
    if not whole:
        return "-"
    tenths = 1000 * part // whole
    return "100 %" if part == whole else f"{tenths // 10}.{tenths % 10} %"


def evidence(kind: str | None, by: str = "") -> str:
    """Why somebody is believed to be the client: `kind` as in the flow log, or `claimed`; `by` names who says so."""
    known = {
        "observed": "direct",
        "forwarded": f"forwarded by {by}" if by else "forwarded",
        "logged": "logged",
        "claimed": f"only claimed by {by}" if by else "only claimed",
    }
    return known.get(kind or "", "not known")


def statuses(counts: Mapping[str, int]) -> str:
    """Requests by class of status: 2xx 1,150  4xx 40."""
    classes: dict[str, int] = {}
    for status, requests in counts.items():
        name = f"{status[0]}xx" if len(status) == 3 and status.isdecimal() else "other"
        classes[name] = classes.get(name, 0) + requests
    return "  ".join(f"{name} {count(classes[name])}" for name in sorted(classes))


def written(text: str) -> str:
    """What somebody wrote into a header or URL, on one line and in quotes where it could be taken for our words."""
    shown = terminal(text)
    return f'"{shown}"' if not shown or shown.startswith("[") or any(mark in shown for mark in ' "') else shown


def called(ip: str, name: str | None) -> str:
    """The name in front of the address; a proxy that was declared without a name goes by its address."""
    return f"{name} {ip}" if name and name != ip else ip


def endpoint(ip: str | None, port: int | None) -> str:
    """10.244.1.10:80, [2001:db8::10]:443; "the proxy" where its address is not known."""
    if not ip:
        return "the proxy"
    if port is None:
        return ip
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
