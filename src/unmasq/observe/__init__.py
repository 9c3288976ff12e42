"""Observe the connections: what the kernel knows of each, as batches of columns.

Here belongs whatever yields `unmasq.model.connection.ConnectionBatch`, and what it takes to get at it: a network
namespace, netlink, the kernel's switches; and `policy_sync`, by which pods tell what their proxies logged of connections.
Which line came on which connection is decided in `unmasq.join`.
"""
