"""A real `unmasq serve` of a store, as its users start it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.ship_work import TOKEN
from tests.crash.shipping import free_port
from tests.lab.deadline import until


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Its URL; nodes show it TOKEN, which stands in FOLDER-token beside the store, as what the server says in FOLDER-said."""
    at, said, secret = f"127.0.0.1:{free_port()}", folder.with_name(f"{folder.name}-said"), folder.with_name(f"{folder.name}-token")
    folder.parent.mkdir(exist_ok=True)
    secret.write_text(TOKEN)
    secret.chmod(0o600)
    command = [str(Path(sys.executable).parent / "unmasq"), "serve", "--store", str(folder), "--listen", at, "--token-file", str(secret)]
    with said.open("wb") as output:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=output)
    try:
        until(lambda: at in said.read_text(), "unmasq serve to answer", 60)
        yield f"http://{at}"
    finally:
        process.terminate()
        process.wait(60)
