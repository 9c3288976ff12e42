"""One request for a page: who asks whom for what, and when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from unmasq.enrich.geo import Place, Source
from unmasq.keep.shapes import Health
from unmasq.model.completeness import Completeness
from unmasq.model.filter import FlowFilter
from unmasq.serve.pages.links import OF_THE_PAGE, Links
from unmasq.serve.pages.window import Window, asked, closed
from unmasq.serve.protocol import Backend

_ITS_OWN = (*OF_THE_PAGE, "columns", "q")


PlaceOf = Callable[[str], Place | None]
"""In which country and whose network an address is, as far as files tell."""


@dataclass(frozen=True)
class Viewer:
    """Who looks at a page: the name of the token or login, and what a form of theirs must send back, empty for programs."""

    name: str = ""
    may_change: bool = False
    csrf: str = ""


@dataclass(frozen=True)
class Asked:
    """A page's request. `subject` is what its path names, the query string is `pairs`."""

    backend: Backend
    now_us: int
    path: str
    pairs: list[tuple[str, str]]
    subject: str = ""
    viewer: Viewer = field(default_factory=Viewer)
    theme: str = ""
    place_of: PlaceOf = lambda _address: None
    networks: Sequence[Source] = ()
    """The files that know it; how they call themselves is hostile text."""
    shows_data: bool = True

    @property
    def links(self) -> Links:
        """Links from here."""
        return Links(self.path, self.pairs)

    def said(self, name: str, default: str = "") -> str:
        """One parameter of the page itself."""
        return next((value for key, value in self.pairs if key == name), default)

    @property
    def is_whole(self) -> bool:
        """Whether everything is wanted at once, as by readers without scripts, and by programs."""
        return self.said("whole") == "yes"

    @cached_property
    def data(self) -> Health:
        """How complete and how fresh the store is."""
        return self.backend.health()

    @cached_property
    def completeness(self) -> Completeness:
        """What may be missing in the window of the page."""
        return self.completeness_of(*self.filtered())

    def completeness_of(self, wanted: FlowFilter, window: Window) -> Completeness:
        """Of a window: one that only ends where the flows do is looked at up to this moment."""
        return self.backend.completeness(replace(wanted, until_us=None) if window.is_over else wanted)

    def filtered(self, newest_us: int | None = None) -> tuple[FlowFilter, Window]:
        """The filter and the window, which ends at the newest flow, or at this moment, if nothing is newer. Raises InvalidRequest."""
        newest_us = self.data.newest_us if newest_us is None else newest_us
        return asked([pair for pair in self.pairs if pair[0] not in _ITS_OWN], self.now_us, newest_us)

    @property
    def names_a_window(self) -> bool:
        """Whether the query says from when to when."""
        return any(name in ("since", "until", "last") for name, _ in self.pairs)

    def ends(self, window: Window) -> tuple[int, int] | None:
        """Both ends of the window, for bars."""
        return closed(window, self.data.oldest_us, self.data.newest_us, self.now_us)
