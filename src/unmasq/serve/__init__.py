"""Answering over HTTP: the contract of the query string, the app, and the two ends of the owner's socket.

No decision is made here: what a question means belongs to `unmasq.keep` and `unmasq.find`. `backend` answers from whoever
has the store, so that the command line need not know whether that is another process or the files themselves.
"""
