"""Apache with mod_remoteip redirects a request internally: the line still has the port and the header that came."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from unmasq.cli.templates import TEMPLATES

from .deadline import until
from .gateways import MODULES

LOADED = ("mpm_event", "authz_core", "dir", "setenvif", "rewrite", "headers", "remoteip")
SETTINGS = """
ServerRoot {folder}
ServerName lab
User www-data
PidFile {folder}/pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{port}
DocumentRoot {folder}/htdocs
ErrorDocument 404 /index.html
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
RewriteEngine on
RewriteRule ^/old$ /index.html [PT]
"""
SENT = {"X-Forwarded-For": "9.9.9.9, 8.8.8.8", "REDIRECT_unmasq_port": "77", "REDIRECT_unmasq_forwarded": "6.6.6.6"}


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    (tmp_path / "htdocs").mkdir()
    (tmp_path / "htdocs/index.html").write_text("here")
    modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in LOADED)
    template = TEMPLATES["apache"].replace("/var/log/apache2", str(tmp_path))
    (tmp_path / "httpd.conf").write_text(modules + SETTINGS.format(folder=tmp_path, port=port) + template)
    server = subprocess.Popen(["apache2", "-D", "FOREGROUND", "-f", str(tmp_path / "httpd.conf")])
    try:
        until((tmp_path / "pid").exists, "Apache to start")
        yield port
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.needs("lab", "apache")
@pytest.mark.parametrize("path", ["/index.html", "/", "/missing", "/old"])
def test_what_was_noted_first_counts(tmp_path: Path, port: int, path: str) -> None:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.connect()
        own = connection.sock.getsockname()[1]
        connection.request("GET", path, headers=SENT)
        connection.getresponse().read()
    log = tmp_path / "unmasq.log"
    until(lambda: log.read_text().endswith("\n"), "a line")
    told = json.loads(log.read_text().partition(": ")[2])
    assert (told["source_port"], told["x-forwarded-for"]) == (str(own), "9.9.9.9, 8.8.8.8")
