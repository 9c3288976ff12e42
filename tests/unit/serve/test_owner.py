"""The owner's socket: whoever asks gets the very bytes that the files would give, as long as the owner lives."""

import socket
import stat

import pytest

from tests.contract import shop
from unmasq.base.clock import SystemClock
from unmasq.base.errors import StoreBusy, StoreError, Unreachable, UsageError
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.keep.lock import Lock
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.serve import backend as backends
from unmasq.serve.backend import open_backend, open_trust
from unmasq.serve.client import Owner as Asked
from unmasq.serve.contract import body_of
from unmasq.serve.owner import Owner
from unmasq.serve.protocol import TrustedProxy
from unmasq.serve.questions import of_live
from unmasq.serve.socket import short_path

CLOCK = SystemClock()
QUESTIONS = [
    lambda backend: backend.trace(shop.CLIENT, FlowFilter()),
    lambda backend: backend.trace("198.51.100.0/24", FlowFilter(since_us=1_700_000_000_000_000)),
    lambda backend: backend.trace(shop.LONG, FlowFilter()),
    lambda backend: backend.trace("9.9.9.9", FlowFilter()),
    lambda backend: backend.flows(FlowFilter(), 5),
    lambda backend: backend.flows(FlowFilter(client=(shop.CLIENT,), port=(80,)), 3, backend.flows(FlowFilter(), 2).next),
    lambda backend: backend.health(),
    lambda backend: backend.histogram(FlowFilter(exclude=("client=10.0.0.1",)), 60_000_000),
    lambda backend: backend.facets(FlowFilter(), ["client", "status"], 3),
    lambda backend: backend.top(FlowFilter(since_us=1_700_000_000_000_000), "source", 3, only_new=True),
    lambda backend: backend.nodes(),
    lambda backend: backend.rejects(),
    lambda backend: backend.trust(),
    lambda backend: backend.status(),
]


@pytest.fixture
def folder(tmp_path):
    # Longer than the 108 bytes that a socket's address may have.
    deep = tmp_path / ("a-long-name-" * 10) / "store"
    deep.mkdir(parents=True)
    return shop.make_store(deep)


@pytest.fixture
def owned(folder):
    with DuckStore(folder) as store:
        live = LiveStore(store, CLOCK)
        with Owner(folder, of_live(live, CLOCK), CLOCK):
            yield folder


def test_owner_and_files_answer_with_the_same_bytes(folder):
    with open_backend(folder, CLOCK) as files:
        at_rest = [body_of(ask(files)) for ask in QUESTIONS]
        assert not isinstance(files, Asked)
    with DuckStore(folder) as store, Owner(folder, of_live(LiveStore(store, CLOCK), CLOCK), CLOCK), open_backend(folder, CLOCK) as owner:
        assert isinstance(owner, Asked)
        assert [body_of(ask(owner)) for ask in QUESTIONS] == at_rest


def test_the_socket_is_for_its_owner_alone_and_goes_with_it(folder):
    path = folder / "api.sock"
    with DuckStore(folder) as store, Owner(folder, of_live(LiveStore(store, CLOCK), CLOCK), CLOCK):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_what_waits_to_be_written_is_answered_and_rejudged_too(tmp_path):
    folder = tmp_path / "store"
    with DuckStore(folder) as store:
        store.control.trust_add(shop.TRUSTED, CLOCK.now_us())
        live = LiveStore(store, CLOCK)
        live.append(shop.shop())
        with Owner(folder, of_live(live, CLOCK), CLOCK), open_backend(folder, CLOCK) as backend:
            assert backend.trace(shop.CLIENT, FlowFilter()).found
            backend.trust_add([TrustedProxy("late", shop.UNDECLARED)])
            assert backend.rejudge(None).flows == 16
            assert backend.trace("100.64.0.7", FlowFilter()).forwarded


def test_trust_is_changed_through_the_owner(owned):
    with open_trust(owned, CLOCK, writing=True) as desk:
        assert desk.trust_add([TrustedProxy("wide", "8.0.0.0/8")]).warnings
        assert [proxy.name for proxy in desk.trust_remove("edge-lb").proxies] == ["wide"]
        with pytest.raises(UsageError, match="no trusted proxy is called"):
            desk.trust_remove("nobody")
        assert [proxy.range for proxy in desk.trust_set([TrustedProxy("wide", "9.0.0.0/8")]).proxies] == ["9.0.0.0/8"]


def test_ranges_of_nodes_are_refused_and_a_proxy_among_them_is_not(folder):
    nodes = [parse_range("10.0.0.0/24")]
    with DuckStore(folder) as store, Owner(folder, of_live(LiveStore(store, CLOCK), CLOCK, node_ranges=lambda: nodes), CLOCK):
        with open_trust(folder, CLOCK, writing=True) as desk:
            for wrong in ("10.0.0.0/25", "10.0.0.0/16"):
                with pytest.raises(UsageError, match=r"holds nodes \(10.0.0.0/24\)"):
                    desk.trust_add([TrustedProxy("lb", wrong)])
            added = desk.trust_add([TrustedProxy("local", "10.0.0.7"), TrustedProxy("lb", "203.0.113.0/25")])
            assert (added.version, [warning.split(",")[0] for warning in added.warnings]) == (2, ["10.0.0.7 is an address of a node"])


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda backend: backend.trace("x", FlowFilter()), UsageError),
        (lambda backend: backend.flows(FlowFilter(flag=("x",))), UsageError),
        (lambda backend: backend.flows(FlowFilter(), 0), UsageError),
    ],
)
def test_an_owners_error_is_the_same_error(folder, ask, error):
    with open_backend(folder, CLOCK) as files, pytest.raises(error) as at_rest:
        ask(files)
    with DuckStore(folder) as store, Owner(folder, of_live(LiveStore(store, CLOCK), CLOCK), CLOCK), open_backend(folder, CLOCK) as owner:
        with pytest.raises(error) as told:
            ask(owner)
    assert str(told.value) == str(at_rest.value)


def test_the_socket_of_a_dead_owner_is_in_nobodys_way(folder):
    with socket.socket(socket.AF_UNIX) as dead, short_path(folder) as path:
        dead.bind(path)
    assert (folder / "api.sock").exists()
    with open_backend(folder, CLOCK) as files:
        assert not isinstance(files, Asked)
        assert files.health().flows == 16
    with DuckStore(folder) as store, Owner(folder, of_live(LiveStore(store, CLOCK), CLOCK), CLOCK), open_backend(folder, CLOCK) as owner:
        assert isinstance(owner, Asked)


def test_an_owner_that_does_not_answer_is_waited_for_and_then_named(folder, monkeypatch):
    monkeypatch.setattr(backends, "_PATIENCE_SECONDS", 0.1)
    with Lock(folder, exclusive=True), pytest.raises(StoreBusy, match="another process has the store"), open_backend(folder, CLOCK):
        pass


# The HTTP library leaves a socket to the garbage collector when it cannot connect.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_owner_that_goes_away_between_two_questions_is_unreachable(folder):
    with DuckStore(folder) as store:
        owner = Owner(folder, of_live(LiveStore(store, CLOCK), CLOCK), CLOCK)
        with owner, open_backend(folder, CLOCK) as backend:
            backend.health()
            owner.__exit__()
            with pytest.raises(Unreachable, match="does not answer"):
                backend.health()


def test_where_there_is_no_store_nothing_is_made(tmp_path):
    with pytest.raises(StoreError, match="there is no store"), open_backend(tmp_path / "none", CLOCK):
        pass
    assert not (tmp_path / "none").exists()


def test_several_may_read_files_at_once(folder):
    with open_backend(folder, CLOCK) as first, open_backend(folder, CLOCK) as second:
        assert first.health() == second.health()


def test_trust_at_rest_opens_no_flows(tmp_path):
    with open_trust(tmp_path / "new", CLOCK, writing=True) as desk:
        desk.trust_add([TrustedProxy("edge", "203.0.113.20")])
    with open_trust(tmp_path / "new", CLOCK) as desk:
        assert desk.trust().version == 1
