"""What several tests of this folder start."""

from tests.unit.serve.asking import admin, browser, server, store

__all__ = ["admin", "browser", "server", "store"]
