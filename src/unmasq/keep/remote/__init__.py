"""Flows completed by what other nodes know of their connections, as they come and once they are stored."""
