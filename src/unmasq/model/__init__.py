"""The nouns: address, lines and connections as columns, chain, flow, filter.

Values and their text forms belong here. What decides (parsing, joining, walking, storing) belongs to the packages above.
"""
