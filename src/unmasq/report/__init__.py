"""Reporting: an answer in sentences, tables and documents for people, the same on a terminal, on a page and in a ticket.

What is true belongs to `unmasq.find`; escaping for the place where it is shown to whoever shows it (`unmasq.base.safe`).
"""
