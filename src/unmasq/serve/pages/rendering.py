"""Values as HTML. The one place that knows Jinja: every text is made visible and escaped on its way into a page."""

from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from unmasq.base.moments import text
from unmasq.find.advice import SETTINGS
from unmasq.find.proxies import lonely
from unmasq.report import evidence
from unmasq.report.sentences import Teller
from unmasq.serve.pages import static, telling
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.cells import NUMBERS, asked_for, cell
from unmasq.serve.pages.flows import USUAL
from unmasq.serve.pages.links import about, to
from unmasq.serve.pages.pictures import bars, hop_chains
from unmasq.serve.pages.window import EVER, LENGTHS
from unmasq.serve.pages.words import brief, kind, rfc, shown, time
from unmasq.show import words
from unmasq.unwind.trust import HEADERS

THEMES = ("", "light", "dark")

_EVERYWHERE: dict[str, object] = {
    "about": about,
    "absent_titles": telling.ABSENT,
    "around": telling.neighbourhood,
    "asked_for": asked_for,
    "cell": cell,
    "columns": USUAL,
    "evidence_word": words.evidence,
    "evidences": telling.evidences,
    "forwarders": telling.forwarders,
    "headers": HEADERS,
    "histogram": bars,
    "kind": kind,
    "known": evidence.parts,
    "lengths": (*LENGTHS, EVER),
    "lonely": lonely,
    "look": evidence.look,
    "more_ways": evidence.more_ways,
    "numbers": NUMBERS,
    "others": evidence.others,
    "percent": words.percent,
    "picture": hop_chains,
    "rfc3339": telling.rfc3339,
    "role_words": telling.of_role,
    "said": telling.node_says,
    "setting_for": lambda reason: SETTINGS.get(reason, ""),
    "static": static.address,
    "stop": evidence.stop,
    "time": time,
    "to": to,
    "ways": evidence.ways,
    "width_words": telling.width,
    "window_of": telling.window_of,
}


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("unmasq.serve.pages"),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= _EVERYWHERE
    made.filters |= {"count": words.count, "brief": brief}
    return made


class Rendering:
    """Templates with what every page needs."""

    def __init__(self) -> None:
        self._templates = _environment()

    def html(self, template: str, asked: Asked, **values: Any) -> str:
        """A page or a part of one."""
        return self._templates.get_template(template).render(self._of(asked) | _health_line(asked, values.get("page")) | values)

    def alone(self, template: str, **values: Any) -> str:
        """A page for whoever is not let in yet: it tells nothing."""
        return self._templates.get_template(template).render({"theme": ""} | values)

    def _of(self, asked: Asked) -> dict[str, Any]:
        links = asked.links
        return {
            "ago": partial(_ago, asked.now_us),
            "beside": _beside,
            "here": links,
            "json_here": to(f"{asked.path}.json", links.pairs),
            "networks": asked.networks,
            "rfc": lambda moment: rfc(moment, asked.now_us),
            "searched": asked.subject or asked.said("q"),
            "theme": asked.theme if asked.theme in THEMES else "",
            "viewer": asked.viewer,
            "data": None,
        }


def _health_line(asked: Asked, page: object) -> dict[str, Any]:
    """The state of the data within the window of the page."""
    if not asked.shows_data:
        return {}
    known = getattr(page, "completeness", None) or asked.completeness
    return {"data": asked.data, "data_line": Teller(asked.now_us).data(known), "doubts": known.doubts}


def _ago(now_us: int, us: int) -> str:
    return words.ago(us, now_us)


def _beside(page: Struct, role: str, of: str) -> list[tuple[str, str]]:
    """What the part of a page that comes later must know: of what it is a part, and from when to when."""
    ends: tuple[int, int] = page.ends  # type: ignore[attr-defined]  # of every page that has such a part
    return [("from", text(ends[0])), ("to", text(ends[1])), ("role", role), ("of", of)]
