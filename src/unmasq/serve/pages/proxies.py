"""The page of proxies: whom you trust, who looks like a proxy that you do not know, and what speaks against the list."""

from dataclasses import replace

from msgspec import Struct

from unmasq.find.answer import Pointers
from unmasq.keep.shapes import Health, Top
from unmasq.model.completeness import Completeness
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.window import Window
from unmasq.serve.protocol import Trusted, TrustVersion

LISTED = 10


class ProxiesPage(Struct, frozen=True):
    """`conflicts` are sources whose headers name different clients; of what is `obscured` nobody can know who came.

    `forged` are addresses that headers name which came from nobody you trust: they may be lies.
    """

    window: Window
    pointers: Pointers
    trust: Trusted
    versions: list[TrustVersion]
    data: Health
    conflicts: Top
    obscured: Top
    forged: Top
    completeness: Completeness


def proxies(asked: Asked) -> ProxiesPage:
    """The page."""
    wanted, window = asked.filtered()
    top = asked.backend.top
    return ProxiesPage(
        window=window,
        pointers=asked.backend.proxies(),
        trust=asked.backend.trust(),
        versions=asked.backend.trust_versions()[::-1],
        data=asked.data,
        completeness=asked.completeness,
        conflicts=top(replace(wanted, flag=("header_conflict",)), by="source", limit=LISTED),
        obscured=top(replace(wanted, flag=("obscured",)), by="source", limit=LISTED),
        forged=top(replace(wanted, evidence=("observed", "logged")), by="claim", limit=LISTED),
    )
