"""Links that keep a page's state: all of it stands in the query string, with the names of the filters."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

Pairs = Sequence[tuple[str, str]]

OF_THE_PAGE = ("part", "whole", "after", "limit", "format", "of", "role", "from", "to")
"""Parameters that say how something is shown, not which flows; a link to other flows leaves them out."""

_TIMES = ("since", "until", "last")


class Links:
    """Links from one page: its path, and what its query string says."""

    def __init__(self, path: str, pairs: Iterable[tuple[str, str]]) -> None:
        self.path = path
        self.pairs = [pair for pair in pairs if pair[0] not in OF_THE_PAGE]

    @property
    def here(self) -> str:
        """This page itself, from its beginning."""
        return to(self.path, self.pairs)

    def only(self, field: str, value: str) -> str:
        """With one more value that a field may have."""
        return to(self.path, [*self._without((field, value), ("x", f"{field}={value}")), (field, value)])

    def without(self, field: str, value: str) -> str:
        """With flows left out that have this value."""
        return to(self.path, [*self._without((field, value), ("x", f"{field}={value}")), ("x", f"{field}={value}")])

    def dropped(self, name: str, value: str) -> str:
        """Without one part of the filter."""
        return to(self.path, self._without((name, value)))

    def during(self, **times: str) -> str:
        """In another window; none at all is everything that is kept."""
        return to(self.path, [*self._filters(), *times.items()])

    def shown(self, **how: str) -> str:
        """The same flows, shown in another way."""
        return to(self.path, [*self.pairs, *how.items()])

    def elsewhere(self, path: str, *more: tuple[str, str]) -> str:
        """Another page about the same window and filter."""
        return to(path, [*self.pairs, *more])

    def filters(self) -> list[tuple[str, str]]:
        """The parts of the filter but for the window, as they can be dropped."""
        return [pair for pair in self._filters() if pair[0] != "columns"]

    def _filters(self) -> list[tuple[str, str]]:
        return [pair for pair in self.pairs if pair[0] not in _TIMES]

    def _without(self, *gone: tuple[str, str]) -> list[tuple[str, str]]:
        return [pair for pair in self.pairs if pair not in gone]


def to(path: str, pairs: Iterable[tuple[str, str]] = ()) -> str:
    """A path with a query string."""
    query = urlencode([(name, value.encode("utf-8", "replace")) for name, value in pairs])
    return f"{path}?{query}" if query else path


def about(address: str) -> str:
    """The page of an address or range."""
    return f"/ip/{quote(address, safe=':./')}"
