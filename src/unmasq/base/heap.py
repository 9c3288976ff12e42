"""The C library's heap, for a process that works on one large batch after another."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_KEPT_BYTES = 64 << 20
_LARGE_BYTES = 32 << 20


def keep_freed() -> bool:
    """Let the next batch have the memory of the last one. Returns whether this C library can; glibc can.

    Otherwise each large array is given back to the kernel and the next one is made of fresh pages, which costs a tenth of all
    that a batch costs. Up to 64 MB that are free stay with the process, and arrays beyond 32 MB are given back still.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_TRIM_THRESHOLD, _KEPT_BYTES) and mallopt(_MMAP_THRESHOLD, _LARGE_BYTES))
