"""Merged .vec files, as mergevec.py's command line asks for them."""

import struct
from pathlib import Path

import numpy as np
import pytest

from cvbaseline.cli import main
from cvbaseline.formats.vec import load_vec, save_vec


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("samples").mkdir()
    return tmp_path


def write(name: str, count: int, width: int = 5, height: int = 4, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng([seed, *name.encode()])
    samples = generator.integers(0, 256, (count, height, width)).astype(np.uint8)
    save_vec(Path(name), samples)
    return samples


@pytest.mark.parametrize(
    "words",
    [
        "-v samples -o out.vec",
        "-v samples/ -o new/folder/out.vec",
        "samples --out out.vec",
        "samples/a.vec samples/b.VEC samples/c.vec -o out.vec",
        "samples/a.vec list.txt -o out.vec",
    ],
)
def test_all_samples_in_order(folder, words):
    parts = [write(f"samples/{name}", n) for name, n in (("a.vec", 3), ("b.VEC", 1), ("c.vec", 6))]
    Path("samples/notes.txt").write_text("no samples")
    Path("list.txt").write_text("samples/b.VEC\r\n# and\r\nsamples/c.vec\r\n")
    assert main(["mergevec", *words.split()]) == 0
    out = Path(words.split()[-1])
    expected = np.concatenate(parts)
    assert np.array_equal(load_vec(out, 5, 4).samples, expected)
    # The format itself, by hand: header, then per sample a zero byte and little-endian int16
    data = out.read_bytes()
    assert struct.unpack_from("<iihh", data) == (10, 20, 0, 0)
    assert len(data) == 12 + 10 * 41
    assert struct.unpack_from("<B20h", data, 12 + 9 * 41) == (0, *expected[9].ravel().tolist())


def test_many_files(folder):
    parts = [write(f"samples/{n:04d}.vec", 2, seed=n) for n in range(300)]
    assert main("mergevec -v samples -o all.vec".split()) == 0
    assert np.array_equal(load_vec(Path("all.vec"), 5, 4).samples, np.concatenate(parts))


def test_an_earlier_output_in_the_folder_is_not_merged_again(folder):
    write("samples/a.vec", 3)
    for _ in range(2):
        assert main("mergevec -v samples -o samples/all.vec".split()) == 0
        assert len(load_vec(Path("samples/all.vec"), 5, 4).samples) == 3


def test_sizes_must_be_equal(folder, capsys):
    write("samples/a.vec", 3, 20, 20)
    write("samples/b.vec", 3, 24, 24)
    assert main("mergevec -v samples -o out.vec".split()) == 2
    error = capsys.readouterr().err
    assert "b.vec holds samples of 576 pixels (perhaps 24 x 24)" in error
    assert "a.vec of 400 pixels (perhaps 20 x 20)" in error
    assert not Path("out.vec").exists()


def test_files_without_samples_are_told_and_left_out(folder, capsys):
    samples = write("samples/d.vec", 3)
    Path("samples/a.vec").write_bytes(b"")
    Path("samples/b.vec").write_bytes(struct.pack("<iihh", 1000, 20, 0, 0))
    data = Path("samples/d.vec").read_bytes()
    Path("samples/c.vec").write_bytes(struct.pack("<i", 50) + data[4:-5])  # claims 50, cut short
    assert main("mergevec -v samples -o out.vec".split()) == 0
    out = capsys.readouterr().out
    assert "left out: samples/a.vec: expected a header" in out.replace("\\", "/")
    assert "left out: samples/b.vec holds no sample" in out.replace("\\", "/")
    assert "c.vec: 2 samples (its header says 50)" in out
    expected = np.concatenate([samples[:2], samples])
    assert np.array_equal(load_vec(Path("out.vec"), 5, 4).samples, expected)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-o out.vec", "nothing to merge"),
        ("-v samples", "required: -o"),
        ("-v samples -o out.vec", "samples has no .vec file in it"),
        ("-v nowhere -o out.vec", "nowhere cannot be read"),
        ("a.vec -o a.vec", "a.vec is both a source and the output"),
        ("gone.vec -o out.vec", "gone.vec cannot be read"),
        ("empty.vec -o out.vec", "no sample in empty.vec: out.vec not written"),
        ("list.txt -o out.vec", "list.txt lists face.png, which is no .vec file"),
        ("a.vec -o list.txt", "list.txt is there already and would be replaced"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(folder, capsys, words, message):
    write("a.vec", 2)
    Path("empty.vec").write_bytes(b"")
    Path("list.txt").write_text("face.png\n")
    try:
        code = main(["mergevec", *words.split()])
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not Path("out.vec").exists() and Path("list.txt").read_text() == "face.png\n"
