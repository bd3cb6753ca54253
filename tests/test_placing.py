"""Placing files: never over another, never in part."""

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvbaseline.sorting import placing
from cvbaseline.sorting.placing import (
    ChangedError,
    Fingerprint,
    candidate_names,
    fingerprint,
    locked,
    place,
    plain_name,
    remove_original,
)


def made(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_fingerprint_of_known_bytes(tmp_path):
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    assert fingerprint(made(tmp_path / "a", "abc")) == Fingerprint(3, digest)


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=250))
def test_candidates_differ_fit_and_keep_the_suffix(name):
    name = os.fsdecode(name.encode("utf-8", "replace"))[:80]
    generator = candidate_names(name)
    tried = [next(generator) for _ in range(12)]
    assert tried[0] == name and len(set(tried)) == 12
    for other in tried[1:]:
        assert len(os.fsencode(other)) <= max(255, len(os.fsencode(name)))
        assert os.path.splitext(other)[1] == os.path.splitext(name)[1]


def test_a_long_name_is_shortened_for_its_number(tmp_path):
    name = "ü" * 125 + ".png"  # 254 bytes
    for i in range(11):
        source = made(tmp_path / str(i) / name, str(i))
        place(source, fingerprint(source), tmp_path / "out", "copy")
    assert sorted(p.read_text() for p in (tmp_path / "out").iterdir()) == sorted(
        str(i) for i in range(11)
    )


@pytest.mark.parametrize("links", [True, False])
def test_many_at_once_lose_nothing(tmp_path, monkeypatch, links):
    """Without any lock: 8 threads put 80 files of one name into one folder."""
    if not links:
        real = os.link

        def refuse(source, target):
            if os.path.lexists(target):
                real(source, target)
            raise OSError(errno.EPERM, "no hard links")

        monkeypatch.setattr(placing.os, "link", refuse)
    sources = [made(tmp_path / str(i) / "a.png", f"content {i}") for i in range(80)]

    def work(part):
        for source in part:
            place(source, fingerprint(source), tmp_path / "out", "copy")

    threads = [threading.Thread(target=work, args=[sources[i::8]]) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    placed = sorted(path.read_text() for path in (tmp_path / "out").iterdir())
    assert placed == sorted(f"content {i}" for i in range(80))


def test_a_source_that_changed_leaves_nothing_behind(tmp_path):
    source = made(tmp_path / "a.png", "before")
    content = fingerprint(source)
    source.write_text("afterwards")
    with pytest.raises(ChangedError, match="changed while it was read"):
        place(source, content, tmp_path / "out", "copy")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_failing_write_leaves_nothing_behind(tmp_path, monkeypatch):
    source = made(tmp_path / "a.png", "text")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(placing.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        place(source, fingerprint(source), tmp_path / "out", "copy")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_name_that_the_target_refuses_is_made_plain(tmp_path, monkeypatch):
    real = os.link

    def strict(source, target):
        if not os.fspath(target).isascii():
            raise OSError(errno.EILSEQ, "Illegal byte sequence")
        real(source, target)

    monkeypatch.setattr(placing.os, "link", strict)
    source = made(tmp_path / "日本?.png", "text")
    assert place(source, fingerprint(source), tmp_path / "out", "copy").path.name == "___.png"


def test_plain_names():
    assert plain_name("a b:日.PNG") == "a_b__.PNG"
    assert len(plain_name("x" * 300 + ".jpeg")) == 100


def test_copies_keep_times(tmp_path):
    source = made(tmp_path / "a.png", "text")
    os.utime(source, (1e9, 1e9))
    copy = place(source, fingerprint(source), tmp_path / "out", "copy").path
    assert copy.stat().st_mtime == 1e9


def test_adoption_asks_and_looks_at_the_content(tmp_path):
    source = made(tmp_path / "a.png", "text")
    out = tmp_path / "out"
    made(out / "a.png", "else")
    made(out / "a-2.png", "text")
    content = fingerprint(source)
    assert place(source, content, out, "copy", lambda path: True).path.name == "a-2.png"
    assert place(source, content, out, "copy", lambda path: False).path.name == "a-3.png"


class TestRemoveOriginal:
    """Only what exists a second time may go."""

    def test_a_copy_and_a_hard_link_suffice(self, tmp_path):
        for how in ("copy", "move"):
            source = made(tmp_path / "a.png", "text")
            placed = place(source, fingerprint(source), tmp_path / how, how)
            assert remove_original(source, placed.path, Fingerprint(4, fingerprint(placed.path)[1]))
            assert not source.exists() and placed.path.read_text() == "text"

    @pytest.mark.parametrize("result", ["missing", "other", "symlink", "itself", "case"])
    def test_everything_else_keeps_it(self, tmp_path, result):
        source = made(tmp_path / "a.png", "text")
        content = fingerprint(source)
        target = tmp_path / "b.png"
        if result == "other":
            made(target, "test")
        elif result == "symlink":
            target.symlink_to(source)
        elif result == "itself":
            target = tmp_path / "x" / ".." / "a.png"
            (tmp_path / "x").mkdir()
        elif result == "case":
            target = tmp_path / "A.PNG"
            os.link(source, target)
        assert not remove_original(source, target, content)
        assert source.read_text() == "text"

    def test_a_folder_seen_under_two_names(self, tmp_path):
        source = made(tmp_path / "real/a.png", "text")
        (tmp_path / "alias").symlink_to(tmp_path / "real")
        assert not remove_original(source, tmp_path / "alias/a.png", fingerprint(source))
        assert source.exists()

    def test_a_source_written_to_meanwhile_stays(self, tmp_path):
        source = made(tmp_path / "a.png", "text")
        content = fingerprint(source)
        copy = place(source, content, tmp_path / "out", "copy").path
        source.write_text("more text")
        assert not remove_original(source, copy, content) and source.exists()


def test_the_lock_is_held_and_freed(tmp_path):
    path, order = tmp_path / "lock", []

    def second():
        with locked(path, lambda: order.append("busy")):
            order.append("second")

    with locked(path, lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        while "busy" not in order:
            pass
        order.append("first")
    thread.join()
    assert order == ["busy", "first", "second"]


def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not an ordinary file"):
        fingerprint(tmp_path / "pipe")
    with pytest.raises(OSError):
        fingerprint(Path(tmp_path))
