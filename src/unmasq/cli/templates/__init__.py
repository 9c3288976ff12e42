"""The safe log settings of each proxy, as `unmasq config template` prints them: one module a family.

Here belongs what a user pastes, with comments on what it does. How its lines are read stands in `unmasq.read.formats`.
"""

from unmasq.cli.templates import apache, caddy, envoy, haproxy, nginx, traefik

TEMPLATES: dict[str, str] = {
    "nginx": nginx.NGINX,
    "ingress-nginx": nginx.INGRESS_NGINX,
    "nginx-inc": nginx.NGINX_INC,
    "haproxy": haproxy.HAPROXY,
    "openshift-router": haproxy.OPENSHIFT_ROUTER,
    "apache": apache.APACHE,
    "envoy": envoy.ENVOY,
    "traefik": traefik.TRAEFIK,
    "caddy": caddy.CADDY,
}
"""Name of a proxy -> its setting, with comments on what it does."""
