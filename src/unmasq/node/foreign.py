"""Lines of a pod that name as the proxy's own end what cannot be that pod's: claims, as what is reported, and nothing more.

They keep their place and what they claim, and are marked with who said so (`reported_by`), by which unwinding makes nobody a
client of them (`unmasq.unwind.walk`). A line that names no end of its own says nothing of anybody else.
"""

import json
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unmasq.model.groups import grouped
from unmasq.model.ingress import Chunk, IngressBatch
from unmasq.model.vocabulary import Vocabulary
from unmasq.unwind.claims import REPORTED_BY, header_values


def foreign(lines: IngressBatch, chunk: Chunk) -> NDArray[np.bool_]:
    """Which lines of a chunk name a source, and an end that is none of `chunk.ends`."""
    named = ((lines.dest_hi | lines.dest_lo) > 0) & ((lines.source_hi | lines.source_lo) > 0)
    if chunk.ends is None or not named.any():
        return np.zeros(len(lines), "?")
    order, begin = grouped([lines.dest_hi, lines.dest_lo])
    first = order[begin]
    ends = zip(lines.dest_hi[first].tolist(), lines.dest_lo[first].tolist(), strict=True)
    own = np.fromiter((end in chunk.ends for end in ends), "?", len(first))
    is_own = np.empty(len(lines), "?")
    is_own[order] = np.repeat(own, np.diff(np.append(begin, len(order))))
    return named & ~is_own


def as_claims(lines: IngressBatch, rows: NDArray[np.bool_], pod: str, vocabulary: Vocabulary) -> IngressBatch:
    """The lines, those `rows` marked as said by `pod`, which is not the pod of their proxy."""
    used, places = np.unique(lines.headers[rows], return_inverse=True)
    marked = [json.dumps(header_values(text) | {REPORTED_BY: pod}) for text in vocabulary.texts(used.tolist())]
    headers, pods = lines.headers.copy(), lines.pod.copy()
    headers[rows] = np.array([vocabulary.number(text) for text in marked], "u4")[places]
    pods[rows] = 0
    return replace(lines, headers=headers, pod=pods)
