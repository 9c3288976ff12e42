"""The node's process: lines and connections in, closed flows out.

`pipeline` is the sentence read, observe, join, unwind, keep; sockets, files and clocks are handed to it. What a line, a
connection or a hop means is decided in the packages below.
"""
