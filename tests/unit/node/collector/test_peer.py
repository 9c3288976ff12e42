"""Who is told apart on a socket."""

import pytest

from tests.story.peers import Felix, Node, short_folder
from unmasq import __version__
from unmasq.base.errors import Unreachable
from unmasq.node.collector.peer import Peer, peer_of


def test_our_node_felix_and_nobody():
    with short_folder() as folder:
        with pytest.raises(Unreachable, match=r"nobody listens on .*/s\n  why:  No such file or directory"):
            peer_of(str(folder / "s"))
        with Felix(folder / "s"):
            assert peer_of(str(folder / "s")) == Peer("reports")
        with Node(folder / "run") as node:
            assert peer_of(str(node.socket)) == Peer("lines", __version__, "shop/web-1")
