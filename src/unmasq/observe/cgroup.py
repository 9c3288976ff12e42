"""Which pod a process belongs to, by its control groups as /proc/PID/cgroup tells them. Pure.

The kubelet makes a group for each pod: `pod<UID>` with the driver cgroupfs, `kubepods-burstable-pod<UID>.slice` with that of
systemd, which writes `_` for the dashes of the UID. What stands before may be anything: a kubelet within a container has more
of it, and who reads from a control group namespace of its own sees the path relative to that, `/../../pod<UID>/...`. A runtime
whose driver is another one than the kubelet's puts `:cri-containerd:<ID>` behind the slice.
"""

import re

_HEX = "[0-9a-f]"
_UID = rf"{_HEX}{{8}}(?:[-_]{_HEX}{{4}}){{3}}[-_]{_HEX}{{12}}|{_HEX}{{32}}"  # the second is that of a static pod
_GROUP = re.compile(rf"(?:pod({_UID})|(?:[\w-]+-)?kubepods(?:-[a-z]+)?-pod({_UID})\.slice(?::.*)?)", re.ASCII)


def pod_uid(told: str) -> str | None:
    """The UID of the pod, as the API writes it; None for a process of no pod, and where two hierarchies name two pods.

    Of groups within groups the outermost counts: that one the kubelet made, and what lies in it a container may name as it likes.
    """
    # Not splitlines: a group's name may hold what else that takes for the end of a line.
    found = {uid for line in told.split("\n") if (uid := _outermost(line)) is not None}
    return found.pop() if len(found) == 1 else None


def _outermost(line: str) -> str | None:
    """The pod of a line `HIERARCHY:CONTROLLERS:PATH`."""
    path = line.split(":", 2)[-1]
    groups = (_GROUP.fullmatch(name) for name in path.split("/"))
    return next(((group[1] or group[2]).replace("_", "-") for group in groups if group), None)
