"""Following flows: the store is asked again and again, and every flow is news once."""

from dataclasses import replace

from unmasq.base.clock import MICROSECONDS
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Flow
from unmasq.serve.protocol import Backend

EVERY_SECONDS = 0.5
BACK_US = 300 * MICROSECONDS
"""How far back is looked for news: a flow closes at most an interval, its wait and its linger after its first request."""

_PAGE = 1000
_MOST_PAGES = 10  # of one look: whoever follows more than this reads nothing anyway

Key = tuple[object, ...]


class News:
    """What was not shown before. Remembers only what a look can bring back."""

    def __init__(self, *, tells_changes: bool) -> None:
        self._tells_changes = tells_changes
        self._shown: dict[Key, int] = {}

    def of(self, flows: list[Flow]) -> list[Flow]:
        """Those of the flows that are new, oldest first; a closed one is news again if changes are told."""
        return [flow for flow in reversed(flows) if self._is_new(flow)]

    def _is_new(self, flow: Flow) -> bool:
        unmasq = flow.unmasq
        open_key = (unmasq.node, flow.source_ip, flow.source_port, flow.dest_ip, flow.dest_port, flow.start_time, "late" in unmasq.flags)
        key: Key = open_key if unmasq.provisional else (unmasq.id,)
        seen = key in self._shown or (not unmasq.provisional and not self._tells_changes and open_key in self._shown)
        self._shown[key] = flow.end_time
        return not seen

    def forget(self, before_us: int) -> None:
        """Drop what no look brings back."""
        self._shown = {key: end for key, end in self._shown.items() if end * MICROSECONDS >= before_us}


def recent(backend: Backend, wanted: FlowFilter, now_us: int) -> list[Flow]:
    """The flows of the last minutes, newest first."""
    since_us = max(now_us - BACK_US, wanted.since_us or 0)
    flows: list[Flow] = []
    after = None
    for _ in range(_MOST_PAGES):
        page = backend.flows(replace(wanted, since_us=since_us), _PAGE, after)
        flows += page.flows
        after = page.next
        if after is None:
            break
    return flows
