"""Unwinding: header texts to claims, the trust list, and the walk from the observed end to the client.

Everything here is a pure function of values: no socket, file or clock, no third party but numpy.
"""
