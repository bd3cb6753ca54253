"""Texts of the user's, file names above all, as they may go to a terminal."""


def printable(text: object) -> str:
    r"""On one line: line breaks, escapes and bytes that are no text in \x form.

    A file's name may hold any of these, and they would move the cursor or clear the screen.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
