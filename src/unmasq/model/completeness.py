"""Whether an answer about a window tells all that happened in it: what every answer carries."""

from msgspec import Struct


class Silent(Struct, frozen=True):
    """A node of which nothing came any more since its last flow, or since it was heard last; microseconds UTC."""

    node: str
    since_us: int


class Completeness(Struct, frozen=True):
    """What a window holds and what it lacks, whatever the filter of the question is. Times are microseconds UTC.

    `since_us` and `until_us` are the ends of the window, null where it is open; an open end is now. `nodes` were to be heard in
    it, `silent` are those of which nothing came at its end. `dropped` says by node and counter what was lost meanwhile, as far as
    a running process knows. `rejects` are those of the days that the window touches. `unwritten` and `unreadable` are files of
    such days that cannot be written, or are left out since they cannot be read, each with why. `doubts` are the same in
    sentences: with none of them, what is not in the answer did not happen, as far as anybody can know.
    """

    since_us: int | None
    until_us: int | None
    nodes: int
    silent: list[Silent]
    newest_us: int | None
    flows: int
    requests: int
    joined: int
    rejects: dict[str, int]
    dropped: dict[str, dict[str, int]]
    trust_version: int
    judged_by_older: int
    unwritten: dict[str, str]
    unreadable: dict[str, str]
    doubts: list[str]
