"""Policy Sync on the node: a socket for each pod, on which its collector says what the proxy logged.

`server` is what a node uses: a source of chunks like a tail. It opens and closes sockets (`sockets`) as pods come and go
(`credentials`). On each, `service` answers: reports become lines (`reports`), and lines are taken in exactly once (`ledger`).
The sending side is `unmasq.node.collector`.
"""
