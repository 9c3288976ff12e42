"""Asking a store: each question is one module of SQL over the sources that a store has, files and memory alike.

What is written belongs to `unmasq.keep.day`; what an answer means to a person, to `unmasq.find`.
"""
