"""Early errors of regular expressions in the configuration, in the words of Go's regexp package.

Only mistakes of structure are found here (brackets, repetition); everything else is checked where the expression is
compiled natively. What Python's own engine refuses although RE2 accepts it passes.
"""

from __future__ import annotations

import re


def regex_error(pattern: str) -> str | None:
    """The text of a mistake of structure; None when there is none."""
    try:
        re.compile(pattern)
    except re.error as err:
        return _go_text(pattern, err)
    except RecursionError:
        return f"error parsing regexp: expression nests too deeply: `{pattern}`"
    return None


def _go_text(pattern: str, err: re.error) -> str | None:
    position = err.pos or 0
    if err.msg.startswith("missing ), unterminated subpattern"):
        return f"error parsing regexp: missing closing ): `{pattern}`"
    if err.msg == "unbalanced parenthesis":
        return f"error parsing regexp: unexpected ): `{pattern}`"
    if err.msg == "unterminated character set":
        return f"error parsing regexp: missing closing ]: `{pattern[position:]}`"
    if err.msg == "nothing to repeat":
        return f"error parsing regexp: missing argument to repetition operator: `{pattern[position]}`"
    return None
