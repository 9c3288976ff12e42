"""Pictures: SVG as text, made from values. Bars over time, the hops of a way, a line as small as a word.

A picture holds no colour, style or script: a page's policy allows none of them from a text that came from a log. Colours and
line styles are classes, whose rules stand in `draw.css`. All text and every attribute goes through `svg`.
"""
