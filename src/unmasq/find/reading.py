"""The links up to a line that is understood: collectors, the log, its marker, what the lines say. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from unmasq.find.advice import setting, template
from unmasq.find.check import Check, State
from unmasq.model.health import NodeStatus
from unmasq.show import words

FORMAT = "unmasq config template NAME prints the log format to set"
_MOST_NAMED = 3
_FEW_DATAGRAMS = 512  # what systemd sets; the kernel's own default is 10


def reading(status: NodeStatus) -> Iterator[Check]:
    """The links in the order in which a line passes them."""
    yield from _collectors(status)
    yield from pods(status)
    yield from _syslog(status)
    yield _log(status)
    yield _marker(status)
    yield from _formats(status)
    yield _lines(status)


def _collectors(status: NodeStatus) -> Iterator[Check]:
    """The sockets of pods, where they are asked for. Without any, nothing can come where no logs are named either."""
    if status.sockets_below is None:
        return
    silent = State.WARN if status.logs else State.BROKEN
    yield from _credentials(status, State.WARN if status.collectors else silent)
    names = _named(status.collectors)
    streams, reports = status.count("policy_sync_streams"), status.count("policy_sync_reports")
    if not status.collectors:
        yield from _without_socket(status, silent)
    elif not streams + reports:
        next_step = "does unmasq collect run there, with FELIX_DIAL_TARGET at that socket? unmasq doctor beside it tells"
        yield Check("collectors", silent, f"{names} can speak below {status.sockets_below}, and nobody has spoken", next_step)
    else:
        spoken = f"{words.counted(streams, 'stream')} of lines and {words.counted(reports, 'report')} came"
        yield _spoken(status, f"{names} can speak below {status.sockets_below}: {spoken}")


def _spoken(status: NodeStatus, seen: str) -> Check:
    """Whether those who spoke did so for themselves, as far as that can be known."""
    if status.count("policy_sync_streams_displaced"):
        next_step = "stop one of them, or give each proxy's pod a volume of its own; the node has said whose it is"
        return Check("collectors", State.WARN, f"{seen}; two collectors displace each other on one socket", next_step)
    foreign = status.count("lines_foreign")
    if foreign:
        seen = f"{seen}; {words.counted(foreign, 'line')} named an address that is not the pod's: claims, nobody's client"
        return Check("collectors", State.WARN, seen, "is the volume given to proxies only? docs/collector.md says what else it may be")
    unchecked = status.count("policy_sync_pieces_unchecked")
    return Check("collectors", State.OK, seen + ("; their pods' addresses cannot be seen from here" if unchecked else ""))


def _credentials(status: NodeStatus, state: State) -> Iterator[Check]:
    """Files that should name a pod and do not: whose they are has no socket."""
    if status.credentials_refused:
        seen = f"in {status.sockets_below}/creds: {_named(status.credentials_refused, '; ')}"
        next_step = 'write them like {"Uid": "1", "Workload": "POD", "Namespace": "NAMESPACE", "ServiceAccount": "default"}'
        yield Check("credentials", state, seen, next_step)


def _without_socket(status: NodeStatus, state: State) -> Iterator[Check]:
    refused = status.by_reason("policy_sync_sockets_refused")
    if refused:
        seen = f"no pod has a socket of ours below {status.sockets_below} ({', '.join(sorted(refused))})"
        next_step = "another process answers there, as Felix does where its policySyncPathPrefix is the same"
        yield Check("collectors", state, seen, next_step)
    elif not status.credentials_refused:
        seen = f"no pod has credentials in {status.sockets_below}/creds"
        yield Check("collectors", state, seen, "mount the volume into the pod of the proxy, so that its driver writes them")


def pods(status: NodeStatus) -> Iterator[Check]:
    """The folder with the logs of pods, where it is needed and not there; and what of --pods finds nothing in it."""
    if status.pods_trouble:
        state = State.WARN if status.logs or status.collectors else State.BROKEN
        next_step = f"mount the host's /var/log/pods there, or name another folder: {status.program} --pod-logs DIR"
        yield Check("pods", state, f"no pod can be found: {status.pods_trouble}", next_step)
    elif status.pods_unmatched:
        others = f"{words.counted(status.pods_others, 'other pod')} {'has' if status.pods_others == 1 else 'have'} logs"
        next_step = "is it on this node, and --pods its NAMESPACE/POD? One that comes later is read from its first line"
        yield Check("pods", State.WARN, f"no pod here matches {' or '.join(status.pods_unmatched)}; {others}", next_step)


def _syslog(status: NodeStatus) -> Iterator[Check]:
    """Whether the kernel holds enough datagrams: senders do not wait, and what they drop nobody here can count."""
    if status.syslog_queue is not None and status.syslog_queue < _FEW_DATAGRAMS:
        seen = f"the kernel holds {status.syslog_queue} datagrams for a Unix socket: of a burst the proxy drops the rest"
        by_udp = f"let it send to {status.program} --syslog 127.0.0.1:1514"
        next_step = f"sysctl -w net.unix.max_dgram_qlen={_FEW_DATAGRAMS} and start again; or {by_udp}"
        yield Check("syslog", State.WARN, seen, next_step)


def _log(status: NodeStatus) -> Check:
    count, logs = status.count("lines_read"), status.sources
    if count:
        return Check("log", State.OK, f"{words.counted(count, 'line')} read from {logs}")
    missing = status.count("tail_missing")
    seen = f"{logs} cannot be read" if missing else f"no line since {status.started} in {logs}"
    return Check("log", State.BROKEN if missing else State.WARN, seen, "does the proxy write there, and may we read it?")


def _marker(status: NodeStatus) -> Check:
    read, without = status.count("lines_read"), status.count("lines_unmarked")
    return marker(read, without, State.BROKEN if status.is_witnessed else State.WARN)


def marker(read: int, without: int, none_has_it: State) -> Check:
    """Whether lines come with our marker. Those without it name no connection: they cannot be joined."""
    if not read:
        return Check("marker", State.WARN, "no line yet, so none that names its connection", FORMAT)
    if not without:
        return Check("marker", State.OK, "every line has it, or names its connection in the way of its proxy")
    state = none_has_it if without == read else State.WARN
    return Check("marker", state, f"{without:,} of {read:,} lines came without our marker: no connection can be found for them", FORMAT)


def _formats(status: NodeStatus) -> Iterator[Check]:
    """What each log's lines looked like: a proxy whose setting changed, or whose setting is not whole."""
    formats, lacking = status.by_reason("lines_by_format"), status.by_reason("lines_lacking")
    if changes := status.by_reason("format_changes"):
        told = ", ".join(f"{change} ({count:,})" for change, count in sorted(changes.items()))
        seen = f"the format changed while a log was read: {told}"
        yield Check("format", State.WARN, seen, f"was that meant? {template(formats)}")
    if lacking:
        told = ", ".join(f"{key} ({words.counted(count, 'line')})" for key, count in sorted(lacking.items()))
        yield Check("format", State.WARN, f"the log format lacks {told}", f"add it: {template(formats)}")
    if formats and not changes and not lacking:
        yield Check("format", State.OK, ", ".join(f"{count:,} {name}" for name, count in sorted(formats.items())))


def _lines(status: NodeStatus) -> Check:
    return lines(status.count("lines_read"), status.by_reason("lines_rejected"), status.by_reason("lines_by_format"))


def lines(read: int, rejected: Mapping[str, int], formats: Mapping[str, int] = MappingProxyType({})) -> Check:
    """Whether what lines say can be understood."""
    if not rejected:
        return Check("lines", State.OK, "no line was rejected")
    told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(rejected.items()))
    state = State.BROKEN if sum(rejected.values()) >= read else State.WARN
    return Check("lines", state, f"rejected: {told}", setting(rejected, formats))


def _named(those: Sequence[str], between: str = ", ") -> str:
    first, more = between.join(those[:_MOST_NAMED]), len(those) - _MOST_NAMED
    return f"{first} and {more:,} more" if more > 0 else first
