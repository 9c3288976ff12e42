"""The two families of addresses."""

import numpy as np

from unmasq.model.address import V4_PREFIX, is_v4
from unmasq.model.columns import Array

IPV4, IPV6 = "IPv4", "IPv6"


def family_of(hi: int, lo: int) -> str:
    """The family of one address."""
    return IPV4 if is_v4(hi, lo) else IPV6


def by_family(hi: Array, lo: Array, counts: Array) -> dict[str, int]:
    """The sum of `counts` over the addresses of each family; what is no address is of neither."""
    of_v4 = (hi == 0) & ((lo >> np.uint64(32)) == V4_PREFIX >> 32)
    of_v6 = ~of_v4 & ((hi > 0) | (lo > 0))
    return {family: int(counts[mask].sum()) for family, mask in ((IPV4, of_v4), (IPV6, of_v6))}
