"""Apache's httpd: our line by mod_log_config, with and without mod_remoteip."""

from unmasq.cli.templates.payload import payload

_PORT, _FORWARDED = "%{remote}p", "%{X-Forwarded-For}i"
_KEYS = {
    "source_port": _PORT,
    "destination_ip": "%A",
    "destination_port": "%{local}p",
    "source_ip": "%{c}a",
    "x-forwarded-for": _FORWARDED,
    "x-real-ip": "%{X-Real-Ip}i",
    "protocol": "tcp",
    "ts": "%{sec}t.%{usec_frac}t",
    "forwarded": "%{Forwarded}i",
    "cf-connecting-ip": "%{CF-Connecting-IP}i",
    "true-client-ip": "%{True-Client-IP}i",
    "method": "%m",
    "host": "%{Host}i",
    "uri": "%U",
    "status": "%>s",
    "bytes_out": "%B",
    "user_agent": "%{User-Agent}i",
}
_BEFORE_REMOTEIP = {"source_port": "%{unmasq_port}e", "x-forwarded-for": "%{unmasq_forwarded}e"}

_QUOTE = '\\"'

APACHE = f"""\
# Into the server's configuration, outside of any VirtualHost (one with a CustomLog of its own needs our CustomLog as well);
# then read the file with
#   unmasq run --input /var/log/apache2/unmasq.log --store DIR
# Every value is quoted; Apache escapes what clients write.
<IfModule !remoteip_module>
    LogFormat "{payload(_KEYS, _QUOTE)}" unmasq
</IfModule>
# mod_remoteip takes addresses out of X-Forwarded-For and the port away, so both are noted before it has its turn: load mod_headers
# before it, as Debian does, and mod_setenvif. Noted too late the port is 0, and such a line is rejected rather than believed.
# With RemoteIPProxyProtocol the client is in no field: let the balancer write X-Forwarded-For instead.
<IfModule remoteip_module>
    RequestHeader set X-Unmasq "expr=%{{REMOTE_ADDR}} %{{CONN_REMOTE_ADDR}} %{{REMOTE_PORT}} %{{HTTP:X-Forwarded-For}}" early
    SetEnvIf X-Unmasq "^" unmasq_port=0
    SetEnvIf X-Unmasq "^(\\S+) \\1 (\\d+) (.*)$" unmasq_port=$2 unmasq_forwarded=$3
    RequestHeader unset X-Unmasq
    # After an internal redirect (ErrorDocument, RewriteRule) all this runs once more, too late: what was noted first counts.
    RequestHeader unset REDIRECT_unmasq_port early
    RequestHeader unset REDIRECT_unmasq_forwarded early
    SetEnvIf REDIRECT_unmasq_port "^(.+)$" unmasq_port=$1
    SetEnvIf REDIRECT_unmasq_forwarded "^(.+)$" unmasq_forwarded=$1
    LogFormat "{payload(_KEYS | _BEFORE_REMOTEIP, _QUOTE)}" unmasq
</IfModule>
CustomLog /var/log/apache2/unmasq.log unmasq
"""
