"""The heap of a process that works on one large batch after another: the C library's, and Python's collector of cycles."""

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_KEPT_BYTES = 64 << 20
_LARGE_BYTES = 32 << 20
_ALLOCATIONS = (50_000, 20, 50)
"""Between collections of each generation; Python's own are (700, 10, 10)."""


def tune_for_large_batches() -> bool:
    """Let the next batch have the memory of the last one, and look for cycles rarely. Returns whether this C library can; glibc can.

    Otherwise each large array is given back to the kernel and the next one is made of fresh pages, which costs a tenth of all
    that a batch costs. Up to 64 MB that are free stay with the process, and arrays beyond 32 MB are given back still. A batch's lists
    of texts hold no cycles, and looking through them again and again costs another fortieth.
    """
    gc.set_threshold(*_ALLOCATIONS)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_TRIM_THRESHOLD, _KEPT_BYTES) and mallopt(_MMAP_THRESHOLD, _LARGE_BYTES))
