"""What every other package may lean on: the clock, the error tree, escaping, counters.

Here belongs what knows nothing of connections, proxies or flows. Anything that names one of those is a noun of
`unmasq.model` or the work of a package above it.
"""
