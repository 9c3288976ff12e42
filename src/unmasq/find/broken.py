"""The first broken link on the way of a test request: by what a node says of itself, or by what a server has. Pure."""

from unmasq.find.acceptance import Link, Match
from unmasq.keep.shapes import Health
from unmasq.model.health import NodeStatus

_ON_THE_NODE = "on the node of the proxy: unmasq doctor --spool DIR names the link"


def settled(match: Match | None, status: NodeStatus) -> bool:
    """Whether waiting longer would change nothing: the flow is there, and joined if a kernel is watched."""
    return match is not None and (match[0].unmasq.join != "unwitnessed" or not status.is_witnessed)


def broken_here(match: Match | None, before: NodeStatus, after: NodeStatus) -> Link | None:
    """By the status, before and after the request, of the node that fills the store."""
    if after.store_error:
        return "stored", f"flows cannot be written: {after.store_error}", "make room, or give the store another folder"
    if match is None:
        return _silent(before, after)
    if _without_marker(match):
        return _MARKER
    if match[0].unmasq.join == "unwitnessed" and after.is_witnessed:
        return "joined", *_unjoined(after)
    return None


def broken_elsewhere(match: Match | None, before: Health, after: Health) -> Link | None:
    """By what a server had before and after the request: which link of which node is broken, only that node can tell."""
    if match is None:
        return _nothing_came(before, after)
    if _without_marker(match):
        return _MARKER
    if match[0].unmasq.join == "unwitnessed":
        return "joined", "the line came, but no node saw its connection", _ON_THE_NODE
    return None


_MARKER: Link = ("marker", "the line came without our marker", "unmasq config template NAME prints the log format to set")


def _without_marker(match: Match) -> bool:
    return match[0].source_ip is None


def _nothing_came(before: Health, after: Health) -> Link | None:
    if sum(after.rejects.values()) > sum(before.rejects.values()):
        return "marker", "a line came, but it was rejected", "unmasq explain --input LOG shows why; unmasq config template NAME the format"
    if after.requests == before.requests:
        return "shipped", "no node sent anything to the server meanwhile", _ON_THE_NODE
    return "log", "flows came to the server, but none of them is our request", f"is the log of that proxy read? {_ON_THE_NODE}"


def _silent(before: NodeStatus, after: NodeStatus) -> Link | None:
    if after.count("lines_read") == before.count("lines_read"):
        return "log", f"no line came in {after.sources}", "does the proxy that answers write there? (access_log in nginx)"
    if after.count("lines_rejected") > before.count("lines_rejected"):
        return "marker", "a line came, but it was rejected", "unmasq explain --input LOG shows why; unmasq config template NAME the format"
    return None


def _unjoined(status: NodeStatus) -> tuple[str, str]:
    if status.count("lines_partial") and not status.listeners:
        next_step = f"name each place: {status.program} --listener ADDRESS:PORT"
        return "the line does not tell where the proxy accepted the connection, and no listener is known", next_step
    if status.pod_sockets == "bypassed":
        next_step = "unmasq doctor without --test names the pods whose sockets are not watched"
        return "the data plane bypasses conntrack, and no socket that we watch shows this connection", next_step
    if status.switches_off and not status.data_plane:
        return f"these are off in the kernel: {', '.join(status.switches_off)}", "unmasq doctor --set-switches turns them on"
    return "the kernel that we watch did not see this connection", "watch the namespace that it passes: unmasq run --namespace NAME"
