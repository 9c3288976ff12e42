"""A namespace for load: nobody else's connections are in it, and an nginx that logs all our keys for whoever asks."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unmasq.observe import switches

from .deadline import until
from .formats import COMBINED, EXTENDED, log_format
from .namespace import inside
from .processes import Processes, ip_batch, run
from .requests import CLIENTS, PROXY

_SETTINGS = Path(__file__).with_name("busy.conf")
_FORMATS = log_format("marked", f"{COMBINED} {EXTENDED}") + log_format("unescaped", EXTENDED, "none")
_ALWAYS = ["net.ipv4.tcp_tw_reuse=1", "net.ipv4.ip_local_port_range=1024 65000"]
_BUSY = ["net.netfilter.nf_conntrack_tcp_timeout_time_wait=10", "net.core.somaxconn=8192"]


@contextmanager
def quiet(seconds: int = 600) -> Iterator[str]:
    """A namespace in which connections are tracked and nobody else makes any. It ends with its process, by itself in the end."""
    home, processes = Path("/proc/self/ns/net").readlink(), Processes()
    space = Path(f"/proc/{processes.start(['unshare', '--net', 'sleep', str(seconds)]).pid}/ns/net")
    try:
        until(lambda: space.readlink() != home, "a namespace of its own")
        with inside(space):
            ip_batch(["link set lo up"])
            subprocess.run(["sysctl", "-qw", *_ALWAYS], check=True)
        switches.turn_on(str(space))
        yield str(space)
    finally:
        processes.end()


@contextmanager
def proxy(space: str, folder: Path, *, keepalive_seconds: int = 0) -> Iterator[Path]:
    """Nginx in the namespace, where every address of the clients is there; its log."""
    settings, processes = folder / "nginx.conf", Processes()
    filled = {"@DIR@": str(folder), "@FORMAT@": _FORMATS, "@KEEPALIVE@": str(keepalive_seconds)}
    text = _SETTINGS.read_text(encoding="ascii")
    for name, value in filled.items():
        text = text.replace(name, value)
    settings.write_text(text, encoding="ascii")
    with inside(Path(space)):
        ip_batch([f"route add local {where} dev lo" for where in (f"{CLIENTS}.0.0/16", PROXY)])
        run(["sysctl", "-qw", *_BUSY])
        processes.start(["nginx", "-e", str(folder / "error.log"), "-c", str(settings)])
    try:
        until((folder / "nginx.pid").exists, "nginx to start")
        yield folder / "access.log"
    finally:
        processes.end()
