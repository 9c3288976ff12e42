"""How things look to a person: counts, times and evidence in words; later the pictures.

Pure functions of values. What a question means belongs to `unmasq.keep` and `unmasq.find`; where the text goes (a terminal,
a page) belongs to the packages that show it. "Untrusted client" is said nowhere: a client is direct, forwarded by a
trusted proxy, or somebody only claims it.
"""
