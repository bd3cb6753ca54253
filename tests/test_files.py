"""Whole files in and out: never a part of one, whoever else writes it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.files import read_bytes, write_bytes


def test_many_threads_write_one_file(tmp_path):
    target = tmp_path / "thumbnail.jpg"
    contents = [bytes([number]) * 300_000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            list(pool.map(lambda content: write_bytes(target, content), contents))
            assert target.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [target]


def test_the_longest_name_that_the_system_takes(tmp_path):
    target = tmp_path / ("n" * 255)
    write_bytes(target, b"held")
    assert read_bytes(target, 4) == b"held"


def test_what_cannot_be_done_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        write_bytes(tmp_path / "missing" / "file", b"")
    with pytest.raises(UserError, match="cannot be read"):
        read_bytes(tmp_path / "missing", 10)
    write_bytes(tmp_path / "large", b"12345")
    with pytest.raises(FormatError, match="at most 4 bytes"):
        read_bytes(tmp_path / "large", 4)
