"""Texts of the user's in CSV files, which people open in spreadsheets."""


def cell(value: object) -> object:
    """A text that a spreadsheet would run as a formula gets an apostrophe before it.

    See OWASP, "CSV injection". What is no text stays as it is.
    """
    if not isinstance(value, str):
        return value
    value = value.replace("\0", "\\0")  # which csv refuses on Python 3.10
    return "'" + value if value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else value
