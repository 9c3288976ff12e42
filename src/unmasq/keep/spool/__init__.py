"""On disk until somebody else has it: the batches of a node that ships, and the reports of collectors.

No database but SQLite is known here.
"""
