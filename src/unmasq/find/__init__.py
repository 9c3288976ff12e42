"""Finding: what the stored flows say of an address; later what is odd about it.

Answers are values that are the same for the API, the pages and the command line. How they look belongs to the packages
above, what a question means to `unmasq.keep`.
"""
