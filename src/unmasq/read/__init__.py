"""Reading logs: whole lines of files that rotate, of streams and of containers, and what a line of each proxy says.

Here belongs the way from bytes to `unmasq.model.ingress.IngressBatch`. Which connection a line came on is decided in
`unmasq.join`; who is behind it, in `unmasq.unwind`; what of a log is already kept comes in as an argument.
"""
