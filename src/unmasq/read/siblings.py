"""The names of rotated files: which belong to a log, and which of two came later."""

import os
import re

_NUMBER = r"\d{1,4}"
_DATE = r"\d{4}[._-]?\d\d[._-]?\d\d[\dTZ._:+-]*"


def siblings(path: str) -> list[str]:
    """Paths of the uncompressed regular files that look like `path` (no symlink) rotated, the one written last at the end.

    access.log.1, access.log.old, access.log-20261122 and access-20261122.log, but not access-2.log, a log of its own.
    """
    folder, name = os.path.split(path)
    stem, dot, extension = name.rpartition(".")
    looks = re.compile(rf"{re.escape(name)}[._-]({_NUMBER}|{_DATE}|old|prev)|{re.escape(stem)}[._-]{_DATE}{re.escape(dot + extension)}")
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if looks.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)]
        return [entry.path for entry in sorted(found, key=lambda entry: entry.stat(follow_symlinks=False).st_mtime_ns)]


def rotated_later(path: str, other: str) -> bool:
    """Whether the first of two rotated files is the newer one by its name: a lower number, a later date; False if unclear."""
    number, other_number = (re.search(rf"[._-]({_NUMBER})$", name) for name in (path, other))
    if number and other_number:
        return int(number[1]) < int(other_number[1])
    date, other_date = (re.search(rf"({_DATE})[^/]*$", name) for name in (path, other))
    return date is not None and other_date is not None and date[1] > other_date[1]
