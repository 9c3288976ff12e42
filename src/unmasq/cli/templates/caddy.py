"""Caddy's JSON access log."""

CADDY = """\
# Into each site block of the Caddyfile; then read the file with
#   unmasq run --input /var/log/caddy/unmasq.log --store DIR --listener ADDRESS:PORT
# The line has no address of Caddy's own: name with --listener where it accepts connections. Keep the headers: a filter that deletes
# X-Forwarded-For would make every client behind a balancer look like the balancer.
log {
	output file /var/log/caddy/unmasq.log
	format json
}
"""
