"""Bytes to IngressBatch: what a line of each proxy says, one module a family.

Pure functions of the bytes of whole lines; where they come from is `unmasq.read.tail`'s business. No format knows another.
"""
