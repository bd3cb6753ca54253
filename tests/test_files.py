"""Whole files in and out: never a part of one, whoever else writes it."""

import errno
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.files import (
    check_writable,
    make_folder,
    new_text_file,
    read_bytes,
    write_bytes,
)


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


def test_a_list_holds_what_was_written_when_the_work_stopped(tmp_path):
    listing = tmp_path / "list.csv"
    with pytest.raises(KeyboardInterrupt), new_text_file(listing) as file:
        file.write("one\r\n")
        assert listing.read_bytes() == b"one\r\n"  # also after a kill
        file.write("two\r\n")
        raise KeyboardInterrupt
    assert listing.read_bytes() == b"one\r\ntwo\r\n"
    with pytest.raises(UserError, match="list.csv cannot be written"), new_text_file(listing):
        pass
    assert listing.read_bytes() == b"one\r\ntwo\r\n"
    with pytest.raises(UserError, match="new.csv cannot be written .No space left on device"):
        with new_text_file(tmp_path / "new.csv"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(BrokenPipeError), new_text_file(tmp_path / "newer.csv"):
        raise BrokenPipeError


def test_a_target_is_tried_before_it_is_written(tmp_path, monkeypatch):
    target = tmp_path / "new" / "model.npz"
    check_writable(target)
    assert list(target.parent.iterdir()) == []
    write_bytes(target, b"held")
    check_writable(target)
    assert list(target.parent.iterdir()) == [target] and target.read_bytes() == b"held"
    with pytest.raises(UserError, match=r"model.npz/x cannot be written"):
        check_writable(target / "x")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(UserError, match=r"model.npz cannot be written \(No space left"):
        check_writable(target)


def test_what_cannot_be_done_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        write_bytes(tmp_path / "missing" / "file", b"")
    with pytest.raises(UserError, match="cannot be read"):
        read_bytes(tmp_path / "missing", 10)
    write_bytes(tmp_path / "large", b"12345")
    for folder in (tmp_path / "large", tmp_path / "large" / "below"):
        with pytest.raises(UserError, match=f"the folder {re.escape(str(folder))} cannot be made"):
            make_folder(folder)
    with pytest.raises(FormatError, match="at most 4 bytes"):
        read_bytes(tmp_path / "large", 4)
