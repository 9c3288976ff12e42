"""What is promised of any query string: an error with its place, or a filter that means what its own query string means."""

import atexit
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from tests.contract import plain
from tests.contract.stores import NOW_US, TRUST, TRUSTED
from tests.contract.traffic import MadeChain, MadeFlow
from tests.contract.traffic import batch as batch_of
from unmasq.base.errors import UsageError
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Flow
from unmasq.model.flowbatch import Join
from unmasq.serve.contract import InvalidRequest, body_of, filter_of, problem, query_of

MADE = [
    MadeFlow(minute=-1, source="203.0.113.9", pod="shop/web-1", chains=(MadeChain(
        (("x-forwarded-for", "192.0.2.77, 198.51.100.2"), ("x-real-ip", "10.0.0.7")), hosts=("shop.example",), paths=("/login",),
        statuses=("404",), services=("pay",)),)),
    MadeFlow(source="2001:db8::1", nat="198.51.100.1", pod="pay/db", join=Join.NAT, chains=(MadeChain(
        (("x-forwarded-for", "-"),), hosts=("[é]*",), paths=("/",), statuses=("200",)), MadeChain((("cf-connecting-ip", "10.0.0.7"),)))),
    MadeFlow(minute=1, dest_port=443, chains=()),
]  # fmt: skip


@cache
def _kept() -> tuple[DuckStore, list[Flow]]:
    """A small store for the whole process, and all its documents."""
    stack = ExitStack()
    atexit.register(stack.close)
    store = stack.enter_context(DuckStore(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
    store.control.trust_add(TRUSTED, NOW_US)
    store.append(batch_of(MADE, TRUST))
    return store, store.flows(FlowFilter(), limit=100).flows


def filters(data: bytes) -> None:
    """What is understood finds what a plain look at the documents finds; what is not is an answer that JSON can hold."""
    pairs = parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True)
    try:
        wanted = filter_of(pairs, NOW_US)
    except InvalidRequest as error:
        _says_where(error)
        return
    again = parse_qsl(urlencode(query_of(wanted)), keep_blank_values=True)
    assert filter_of(again, NOW_US) == wanted
    _finds(wanted)


def _says_where(error: InvalidRequest) -> None:
    assert error.path.startswith("query.")
    assert error.next_step
    body_of(problem(error))


def _finds(wanted: FlowFilter) -> None:
    store, documents = _kept()
    try:
        found = store.flows(wanted, limit=100).flows
    except UsageError as error:  # too much in all
        body_of(problem(error))
        return
    assert found == [flow for flow in documents if plain.lets_through(flow, wanted)]
