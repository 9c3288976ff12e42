"""Everything that can be asked under `/api/v1`, and by whom."""

from unmasq.find.answer import Pointers, Trace
from unmasq.keep.shapes import Facets, FlowPage, Health, Histogram, RejectSample, Top
from unmasq.model.completeness import Completeness
from unmasq.model.health import NodeStatus
from unmasq.serve.endpoint import Endpoint
from unmasq.serve.parameters import ADDRESS, AFTER, BY, FIELD, FORM, NAME, NEW, QUICK, SINCE, TIMES, WIDTH, limit, of_filter
from unmasq.serve.protocol import NodeHeard, Rejudged, Trusted, TrustedProxy, TrustVersion
from unmasq.serve.questions import MOST_FLOWS, MOST_LISTED
from unmasq.serve.routes import Routes

_PROXIES = TrustedProxy | list[TrustedProxy]


def of_store(routes: Routes) -> list[Endpoint]:
    """What is known of flows and addresses, and what may be changed."""
    return [*_flows(routes), *_counts(routes), *_data(routes), *_trust(routes)]


def _flows(routes: Routes) -> list[Endpoint]:
    flows, trace = (*of_filter(), limit(MOST_FLOWS), AFTER, FORM), (ADDRESS, *of_filter(), QUICK, FORM)
    who = "Who an address is, by which ways it came, and what of it is only claimed."
    return [
        Endpoint("GET", "/api/v1/flows", "see", "Flows, newest first.", routes.flows, takes=flows, gives=FlowPage),
        Endpoint("GET", "/api/v1/trace/{address:path}", "see", who, routes.trace, takes=trace, gives=Trace),
    ]


def _counts(routes: Routes) -> list[Endpoint]:
    most = limit(MOST_LISTED)
    bars, facets, top = (*of_filter(), WIDTH, FORM), (*of_filter(), FIELD, most, FORM), (*of_filter(), BY, most, NEW, FORM)
    common = "What the newest flows of a filter have in common."
    return [
        Endpoint("GET", "/api/v1/histogram", "see", "Requests over time, by evidence.", routes.histogram, takes=bars, gives=Histogram),
        Endpoint("GET", "/api/v1/facets", "see", common, routes.facets, takes=facets, gives=Facets),
        Endpoint("GET", "/api/v1/top", "see", "Who has most requests, and who is new.", routes.top, takes=top, gives=Top),
    ]


def _data(routes: Routes) -> list[Endpoint]:
    rejects = "Why lines were rejected, with a sample each."
    complete = "What may be missing in answers about a window."
    return [
        Endpoint("GET", "/api/v1/health", "see", "How complete and how fresh the data is.", routes.health, gives=Health),
        Endpoint("GET", "/api/v1/completeness", "see", complete, routes.completeness, takes=TIMES, gives=Completeness),
        Endpoint("GET", "/api/v1/nodes", "see", "Each node, and how it is doing.", routes.nodes, takes=(FORM,), gives=list[NodeHeard]),
        Endpoint("GET", "/api/v1/rejects", "see", rejects, routes.rejects, takes=(FORM,), gives=list[RejectSample]),
        Endpoint("GET", "/api/v1/proxies", "see", "Who looks like a proxy that nobody declared.", routes.proxies, gives=Pointers),
        Endpoint("GET", "/api/v1/status", "see", "How the node that fills this store is doing.", routes.status, gives=NodeStatus | None),
    ]


def _trust(routes: Routes) -> list[Endpoint]:
    return [
        Endpoint("GET", "/api/v1/trust", "see", "Whom you trust.", routes.trust, gives=Trusted),
        Endpoint("GET", "/api/v1/trust/versions", "see", "How the list came to be.", routes.trust_versions, gives=list[TrustVersion]),
        Endpoint("POST", "/api/v1/trust", "admin", "Trust these, too.", routes.trust_add, body=_PROXIES, gives=Trusted),
        Endpoint(
            "PUT",
            "/api/v1/trust",
            "admin",
            "Trust these, and nothing else under their names.",
            routes.trust_set,
            body=_PROXIES,
            gives=Trusted,
        ),
        Endpoint("DELETE", "/api/v1/trust", "admin", "Trust a name or range no longer.", routes.trust_remove, takes=(NAME,), gives=Trusted),
        Endpoint("POST", "/api/v1/rejudge", "admin", "Judge flows again, and wait.", routes.rejudge, takes=(SINCE,), gives=Rejudged),
    ]
