"""One day is one file: its tables, how batches are written into it, judged again, sorted as it closes, and deleted.

What is asked of it belongs to `unmasq.keep.ask`.
"""
