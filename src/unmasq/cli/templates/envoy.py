"""Envoy by itself, and as Envoy Gateway, Contour and Istio set it up: JSON of our own keys, which has an escaping that is safe."""

from collections.abc import Mapping

from unmasq.cli.templates.payload import indented

_FIELDS = {
    "source_ip": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
    "source_port": "%DOWNSTREAM_DIRECT_REMOTE_PORT%",
    "destination_ip": "%DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT%",
    "destination_port": "%DOWNSTREAM_DIRECT_LOCAL_PORT%",
    "downstream_remote_ip": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "downstream_remote_port": "%DOWNSTREAM_REMOTE_PORT%",
    "x-forwarded-for": "%REQ(X-FORWARDED-FOR)%",
    "x-real-ip": "%REQ(X-REAL-IP)%",
    "forwarded": "%REQ(FORWARDED)%",
    "cf-connecting-ip": "%REQ(CF-CONNECTING-IP)%",
    "true-client-ip": "%REQ(TRUE-CLIENT-IP)%",
    "start_time": "%START_TIME%",
    "protocol": "%PROTOCOL%",
    "method": "%REQ(:METHOD)%",
    "authority": "%REQ(:AUTHORITY)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "response_code": "%RESPONSE_CODE%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "user_agent": "%REQ(USER-AGENT)%",
    "upstream_host": "%UPSTREAM_HOST%",
    "request_id": "%REQ(X-REQUEST-ID)%",
}
_LOCAL = {
    "destination_ip": ("downstream_local_ip", "%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%"),
    "destination_port": ("downstream_local_port", "%DOWNSTREAM_LOCAL_PORT%"),
}
"""Instead of the socket's own end, where that cannot be had: behind a PROXY header it is that header's word, and not believed."""
_CONTOUR_FIELDS = dict(_LOCAL.get(key, (key, value)) for key, value in _FIELDS.items())


def _mapping(fields: Mapping[str, str], spaces: int) -> str:
    return indented("\n".join(f'{key}: "{value}"' for key, value in fields.items()), spaces)


_CONTOUR_LIST = indented("\n".join(f'- "{key}={value}"' for key, value in _CONTOUR_FIELDS.items()), 4)

ENVOY = f"""\
# Envoy's own configuration: into the HttpConnectionManager of each listener. Lines go out at once with --file-flush-interval-msec.
# Never text_format: it copies quotes as they come, so that a client can write keys of its own into the line.
# The keys DIRECT name the socket; without DIRECT they are what a PROXY header or X-Forwarded-For says. DOWNSTREAM_DIRECT_LOCAL came
# with Envoy 1.33: for an older one take downstream_local_ip and downstream_local_port in its place, as Contour has them below.
access_log:
- name: envoy.access_loggers.file
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
    path: /dev/stdout
    log_format:
      json_format:
{_mapping(_FIELDS, 8)}\
---
# Envoy Gateway: the GatewayClass names this resource in spec.parametersRef, or the Gateway in spec.infrastructure.parametersRef.
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyProxy
metadata:
  name: unmasq
  namespace: envoy-gateway-system
spec:
  telemetry:
    accessLog:
      settings:
      - format:
          type: JSON
          json:
{_mapping(_FIELDS, 12)}\
        sinks:
        - type: File
          file:
            path: /dev/stdout
---
# Contour: these keys into its configuration; then restart it. It takes no DOWNSTREAM_DIRECT_LOCAL.
apiVersion: v1
kind: ConfigMap
metadata:
  name: contour
  namespace: projectcontour
data:
  contour.yaml: |
    accesslog-format: json
    json-fields:
{_CONTOUR_LIST}\
---
# Istio: a provider in the mesh's configuration (of istioctl's -f; with Helm the values have the same meshConfig) ...
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec:
  meshConfig:
    extensionProviders:
    - name: unmasq
      envoyFileAccessLog:
        path: /dev/stdout
        logFormat:
          labels:
{_mapping(_FIELDS, 12)}\
---
# ... and the gateways that use it, here all of the namespace.
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata:
  name: unmasq
  namespace: istio-ingress
spec:
  accessLogging:
  - providers:
    - name: unmasq
"""
