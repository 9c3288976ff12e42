"""In which formats the lines of each log came, so that a proxy whose setting changed is seen.

`lines_by_format` counts lines by shape; `format_changes`, by what a log had last and has now (`marker to combined`), counts the
times that a log began to have another.
"""

import numpy as np

from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, IngressBatch, Shape

_MOST_LOGS = 1 << 14


class ShapesSeen:
    """Knows which shapes each log had."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._seen: dict[str, list[Shape]] = {}

    def note(self, lines: IngressBatch, chunk: Chunk) -> None:
        """Count the lines of a chunk."""
        counts = np.bincount(lines.shape, minlength=len(Shape))
        for shape in np.flatnonzero(counts).tolist():
            if shape:
                self._counters.add("lines_by_format", int(counts[shape]), Shape(shape).label)
                self._note(chunk.path, Shape(shape))

    def _note(self, path: str, shape: Shape) -> None:
        if len(self._seen) >= _MOST_LOGS:
            self._seen.clear()
        seen = self._seen.setdefault(path, [])
        if shape not in seen:
            if seen:
                self._counters.add("format_changes", 1, f"{seen[-1].label} to {shape.label}")
            seen.append(shape)
