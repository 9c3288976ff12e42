"""Texts that have done harm somewhere, for every place that a client may write: what each of them would do is in its name."""

TEXTS = {
    "script": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "handler": "' onmouseover='alert(1)",
    "closing": "</textarea></title></style></script><script>alert(1)</script>",
    "svg": "<svg/onload=alert(1)>",
    "link": "javascript:alert(1)",
    "template": "{{ 7 * 7 }}{% raw %}",
    "entity": "&lt;b&gt;&#x3c;i&#x3e;",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1+9)",
    "markdown": "](http://evil.example) ![x](http://evil.example/y.png) | `x`",
    "sql": "' OR 1=1; DROP TABLE flows; --",
    "terminal": "\x1b[31mred\x1b]0;title\x07",
    "turned": "abc\u202egpj.exe\u2066",
    "lines": "a\\r\\nSet-Cookie: x=1",
    "file": "../../../../etc/passwd",
    "long": "A" * 1000,
    "wide": "漢字🙂é\u0301",
}

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet takes for a formula."""
