"""Keeping flows: the store protocol, its implementations, control state (trust, settings) and retention.

What a question means belongs here; what an answer looks like to a person belongs to `unmasq.show` and the packages above.
"""
