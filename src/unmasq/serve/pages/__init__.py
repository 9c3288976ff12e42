"""The pages: what the API answers, for people. Each shows one value, which is also its JSON; its whole state is its URL.

`links`, `window` and `words` are what pages share; one module a page gathers its value; `rendering` alone knows Jinja.
No decision about addresses is made here.
"""
