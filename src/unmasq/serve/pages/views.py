"""The pages as HTML: each value with the words that only people need."""

from collections.abc import Callable, Mapping
from typing import Any

from unmasq.base.safe import shortened
from unmasq.model.address import parse_range
from unmasq.report import markdown
from unmasq.report.sentences import Teller
from unmasq.serve.pages.address import Address, address, flows_of, related
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.counts import PARTS, beside
from unmasq.serve.pages.flows import flows
from unmasq.serve.pages.health import health
from unmasq.serve.pages.links import Links
from unmasq.serve.pages.overview import overview
from unmasq.serve.pages.proxies import proxies
from unmasq.serve.pages.rendering import Rendering
from unmasq.serve.pages.several import several

GATHER: Mapping[str, Callable[[Asked], Any]] = {
    "overview": overview,
    "address": address,
    "flows": flows,
    "health": health,
    "proxies": proxies,
    "several": several,
}
"""The value of each page."""


def html(name: str, asked: Asked, rendering: Rendering, **more: Any) -> str:
    """A page. Raises UsageError for a question that cannot be."""
    page = GATHER[name](asked)
    words = _in_words(page, asked) if isinstance(page, Address) else {}
    return rendering.html(f"{name}.html", asked, page=page, **words, **more)


def counts_html(asked: Asked, rendering: Rendering) -> str:
    """The part of a page that `/counts` is."""
    page = beside(asked)
    if page.counts is None:
        return '<p class="hint">Nothing is kept of this time.</p>'
    names = [name for name in PARTS if getattr(page.counts, name)]
    links = Links(page.path, asked.pairs)
    return "".join(rendering.html(f"{name}.html", asked, page=page, role=page.role, links=links) for name in names)


def flows_html(asked: Asked, rendering: Rendering) -> str:
    """The part of an address page that lists its newest flows."""
    return rendering.html("its_flows.html", asked, page=flows_of(asked), subject=asked.subject)


def related_html(asked: Asked, rendering: Rendering) -> str:
    """The part of an address page that says who is near."""
    return rendering.html("related.html", asked, page=related(asked))


def ticket(page: Address, asked: Asked) -> str:
    """An address as Markdown."""
    return "\n".join(markdown.lines(page, Teller(asked.now_us)))


def _in_words(page: Address, asked: Asked) -> dict[str, Any]:
    teller = Teller(asked.now_us)
    return {
        "headline": teller.headline(page),
        "is_single": parse_range(page.address).is_single,
        "command": teller.command("trace", page.address),
        "ticket": shortened(ticket(page, asked), 20_000),
    }
