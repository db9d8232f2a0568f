"""Fifty file names by which somebody might try to be more than text on a screen.

All of them are valid on Linux; every surface must show each as characters, and do nothing else with it.
"""

from __future__ import annotations

MARKUP = (
    "<img src=x onerror=alert(1)>.csv",
    "<script>alert(1)<\\script>.csv",
    "<svg onload=alert(1)>.csv",
    "<b>bold<b>.csv",
    "<iframe srcdoc='<script>alert(1)'>.csv",
    "<a href='javascript:alert(1)'>click me.csv",
    "<style>*{display:none}.csv",
    "<base href=http:evil.example>.csv",
    '<meta http-equiv=refresh content="0;url=data:,x">.csv',
    "<details open ontoggle=alert(1)>.csv",
    '" onmouseover="alert(1)" x=".csv',
    "' autofocus onfocus='alert(1).csv",
    "&lt;b&gt;entities&amp;&#60;&#x3c;.csv",
    "-->]]><!--.csv",
    "<button data-commandlinker-command='apputils:reset'>.csv",
    '<button data-commandlinker-command="filebrowser:delete" data-commandlinker-args=\'{"a":1}\'>.csv',
)
MARKDOWN = (
    "[click me](javascript:alert(1)).csv",
    "![image](x onerror=alert(1)).csv",
    "**bold** _italic_ `code` ~~struck~~.csv",
    "# heading.csv",
    "- item.csv",
    "|a|b|.csv",
    "```python.csv",
)
MATHEMATICS = (
    "$x$.csv",
    "$$\\frac{1}{2}$$.csv",
    "\\(x\\).csv",
    "\\[x\\].csv",
    "$\\href{javascript:alert(1)}{x}$.csv",
    "\\begin{align}x&=y\\end{align}.csv",
    "costs $5 or $6.csv",
)
TERMINAL = (
    "\x1b[31mred\x1b[0m.csv",
    "\x1b]0;a new title\x07.csv",
    "\x1b[2J\x1b[H.csv",
    "a carriage return\rcovered.csv",
    "two\nlines.csv",
    "a\ttab\x08\x7f.csv",
    "\x9b31mC1.csv",
)
DECEPTIVE = (
    "\u202egnp.exe.csv",
    "\u2066isolated\u2069.csv",
    "zero\u200bwidth\u200d\ufeff.csv",
    "line\u2028paragraph\u2029separators.csv",
    "Z\u0351\u0323a\u0310l\u0336g\u0355o\u0489.csv",
    "\u0441\u0443rillic \u0430s l\u0430tin.csv",
    "\U000e0041tags\U000e007f.csv",
)
AWKWARD = (
    "x" * 251 + ".csv",
    "\N{WATER WAVE}" * 62 + ".csv",
    "%wt remove --data.csv",
    "{{ 7*7 }} ${7*7} <%= 7*7 %>.csv",
    "magnet:?xt=urn:btih:..csv",
    " leading and trailing ",
)

HOSTILE_NAMES = (*MARKUP, *MARKDOWN, *MATHEMATICS, *TERMINAL, *DECEPTIVE, *AWKWARD)
