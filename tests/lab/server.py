"""What all servers of the lab share: started in a namespace, waited for by connecting, ended by pid."""

import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from .deadline import until
from .namespace import socket_in
from .network import Network
from .processes import end

HERE = Path(__file__).resolve().parent


class Server:
    """One server program on one host, its files in a folder of the network's state. Usable with `with`."""

    host: str
    template: str
    ready: tuple[str, int]
    """Address and port on the host itself that answer when the server is up."""
    stop_signal: int = signal.SIGTERM

    def __init__(self, network: Network) -> None:
        self.network = network
        self.folder = network.state / type(self).__name__.lower()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The program's pid, None when it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def argv(self, settings: Path) -> Sequence[str]:
        """The command that runs in the foreground with these settings."""
        raise NotImplementedError

    def values(self) -> Mapping[str, str]:
        """What stands for each @NAME@ in the template."""
        return {}

    def start(self) -> Self:
        """Write the settings, start, and return when it accepts connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / self.template
        settings.write_text(_filled((HERE / self.template).read_text(), {"DIR": str(self.folder), **self.values()}))
        with (self.folder / "output.txt").open("ab") as output:
            self._process = self.network.popen(self.host, self.argv(settings), stdout=output, stderr=output)
        until(self._accepts, f"{type(self).__name__} to accept connections")
        return self

    def stop(self) -> None:
        """End the program; its files stay. Twice is fine."""
        if self._process:
            end(self._process, self.stop_signal)
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _accepts(self) -> bool:
        if self.pid is None:
            raise RuntimeError(f"{type(self).__name__} ended: {(self.folder / 'output.txt').read_text()}")
        with socket_in(self.network.namespace_path(self.host), socket.AF_INET) as probe:
            probe.settimeout(1)
            return probe.connect_ex(self.ready) == 0


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
