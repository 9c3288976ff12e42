"""Names under /var/log/pods, as the kubelet makes them: `NAMESPACE_POD_UID/CONTAINER/RESTARTS.log`; and who is chosen."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

from unmasq.base.errors import UsageError

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_FOLDER = re.compile(rf"(?P<namespace>{_LABEL})_(?P<pod>[a-z0-9](?:[-.a-z0-9]{{0,251}}[a-z0-9])?)_(?P<uid>[-A-Za-z0-9.]{{1,128}})")
_CONTAINER = re.compile(_LABEL)
_LOG = re.compile(r"([0-9]{1,9})\.log")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which pods and containers: globs."""

    namespace: str
    pod: str
    container: str = "*"

    @classmethod
    def parse(cls, text: str) -> Self:
        """NAMESPACE/POD or NAMESPACE/POD/CONTAINER. Raises UsageError."""
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(parts):
            why = "it is NAMESPACE/POD or NAMESPACE/POD/CONTAINER, each with * and ?"
            raise UsageError(f"not a choice of pods: {text!r}", why, "write it like ingress-nginx/ingress-nginx-controller-*")
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}/{self.container}"

    def takes(self, pod: str, container: str | None = None) -> bool:
        """Whether NAMESPACE/POD, or a container in it, is chosen."""
        namespace, _, name = pod.partition("/")
        return (
            fnmatchcase(namespace, self.namespace)
            and fnmatchcase(name, self.pod)
            and (container is None or fnmatchcase(container, self.container))
        )


def chosen(choices: Iterable[Choice], pod: str, container: str | None = None) -> bool:
    """Whether any of the choices takes it."""
    return any(choice.takes(pod, container) for choice in choices)


def pod_of(folder: str) -> str | None:
    """NAMESPACE/POD of a folder's name; None if the kubelet made no such name."""
    match = _FOLDER.fullmatch(folder)
    return f"{match['namespace']}/{match['pod']}" if match else None


def uid_of(folder: str) -> str | None:
    """The UID of the pod that a folder is named after, as the API writes it; of a static pod as the kubelet makes it."""
    match = _FOLDER.fullmatch(folder)
    return match["uid"] if match else None


def is_container(name: str) -> bool:
    """Whether a container can be called that."""
    return _CONTAINER.fullmatch(name) is not None


def restarts(name: str) -> int | None:
    """How often the container had been started before it wrote the log of this name; None for another file."""
    match = _LOG.fullmatch(name)
    return int(match[1]) if match else None


def folder_of(path: str) -> str:
    """The folder's name of the pod that wrote a log, which lies, or is linked to, where the kubelet puts logs; empty for any other."""
    folder, name = os.path.split(os.path.realpath(path))
    pod_folder, container = os.path.split(folder)
    if restarts(name) is None or not is_container(container):
        return ""
    return os.path.split(pod_folder)[1]


def pod_that_wrote(path: str) -> str:
    """NAMESPACE/POD of such a log; empty for any other."""
    return pod_of(folder_of(path)) or ""


def pods_that_wrote(paths: Iterable[str]) -> dict[str, str]:
    """UID -> NAMESPACE/POD of those of the logs that pods wrote."""
    return pods_of(map(folder_of, paths))


def pods_of(folders: Iterable[str]) -> dict[str, str]:
    """UID -> NAMESPACE/POD of those of the folders that are named after pods."""
    return {uid: pod for folder in folders if (uid := uid_of(folder)) and (pod := pod_of(folder))}
