"""unmasq: who is really behind a connection, is that address suspicious, and where can it be stopped.

The packages in here are the stations of one log line: read it, observe the connection it came on, join the two,
unwind the hops, keep the flow, find what is odd, act on it, report it. Only the version lives in this file.
"""

__version__ = "0.1.0"
