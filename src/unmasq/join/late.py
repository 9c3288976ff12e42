"""Which flows were closed lately, so that lines that come after it are marked."""

import numpy as np

from unmasq.join.connections import tuples
from unmasq.join.lines import JoinedLines
from unmasq.join.parts import EVER_US
from unmasq.model.columns import Array
from unmasq.model.flowbatch import Flag
from unmasq.model.groups import distinct, mixed


class Late:
    """Remembers so many flows."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._keys, self._newest_us = np.zeros(0, "u8"), -EVER_US

    def flagged(self, lines: JoinedLines) -> JoinedLines:
        """Lines that leave now, marked where their flow was closed before they came."""
        if not len(lines):
            return lines
        key = _flow(lines)
        late = lines.interval_us <= self._newest_us
        if late.any():
            late[late] = np.isin(key[late], self._keys)
        self._newest_us = max(self._newest_us, int(lines.interval_us.max(initial=self._newest_us)))
        self._keys = np.concatenate([self._keys, distinct(key[~late])])[-self._most :]
        return JoinedLines(**lines.as_dict() | {"flags": np.where(late, lines.flags | Flag.LATE, lines.flags).astype("u2")})


def _flow(lines: JoinedLines) -> Array:
    witnessed = lines.connection > 0
    named = (np.where(witnessed, 0, column) for column in tuples(lines))
    return mixed([np.where(witnessed, lines.connection, 0), lines.interval_us, *named])
