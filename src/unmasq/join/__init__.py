"""Joining: each request with the kernel's record of the very connection it came on, and flows per interval.

Pure functions and tables of values; the clock is an argument. Who listens, reads or stores is not known here.
"""
