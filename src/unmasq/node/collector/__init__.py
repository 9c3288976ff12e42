"""`unmasq collect`: beside a proxy, from its log to the socket of its node, be that ours or Felix's.

Here belongs the sending side of Policy Sync: what is said (`reports`), how (`reporting`, `streaming`) and the loop around it
(`loop`). The receiving side is `unmasq.observe.policy_sync`. Small on purpose: no store, no web framework, no join.
"""
