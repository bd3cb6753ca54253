"""Reading and writing pictures: against OpenCV, by hand, and with whatever a disk can hold."""

import io
import os
import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from cvbaseline.errors import PictureError, UserError
from cvbaseline.images import find_pictures, read_colour, read_grey, write_picture
from cvbaseline.sorting.manifest import Manifest, render_json

RNG = np.random.default_rng(11)
ROWS, COLUMNS = 30, 44
COLOUR = cv2.GaussianBlur(RNG.integers(0, 256, (ROWS, COLUMNS, 3)).astype(np.uint8), (0, 0), 2)
COLOUR = cv2.normalize(COLOUR, None, 0, 255, cv2.NORM_MINMAX)
GREY = COLOUR[..., 1].copy()
LOSSLESS = {
    "png": {}, "bmp": {}, "tiff": {}, "ppm": {}, "tga": {}, "pcx": {},
    "webp": {"lossless": True}, "jp2": {"irreversible": False},
}  # fmt: skip
EXACT = {"webp": {"exact": True}}  # keep the colours of transparent pixels
TAG_ORIENTATION = 274


def encoded(image, kind, **more):
    """A PIL picture or an array as the bytes of a file."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(
        file, format={"jpg": "jpeg", "jp2": "jpeg2000", "tga": "tga"}.get(kind, kind), **more
    )
    return file.getvalue()


def opencv_encoded(array, suffix):
    return np.asarray(cv2.imencode(suffix, array)[1]).tobytes()


@pytest.fixture
def save(tmp_path):
    """Write bytes to a file and return its path."""

    def write(data, name="picture.bin"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


# ---- what a picture holds ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_keep_every_value(kind, save):
    path = save(encoded(COLOUR, kind, **LOSSLESS[kind]), f"a.{kind}")
    colour = read_colour(path)
    assert np.array_equal(colour, COLOUR)
    assert colour.dtype == np.uint8 and colour.flags.writeable and colour.flags.c_contiguous
    weights = COLOUR @ np.array([0.299, 0.587, 0.114])
    grey = read_grey(path)
    assert np.abs(grey - weights).max() <= 0.51
    assert grey.shape == (ROWS, COLUMNS) and grey.flags.writeable and grey.flags.c_contiguous


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "webp", "jpg", "jp2"])
def test_grey_is_close_to_opencvs(kind, save):
    data = encoded(COLOUR, kind)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert np.abs(read_grey(save(data)) - expected.astype(int)).max() <= 1


def test_grey_jpeg_is_exactly_opencvs(save):
    for array in (COLOUR, GREY):
        data = encoded(array, "jpg", quality=70)
        expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert np.array_equal(read_grey(save(data)), expected)


@pytest.mark.parametrize("kind", ["png", "tiff", "bmp", "gif"])
def test_grey_pictures(kind, save):
    path = save(encoded(GREY, kind))
    assert np.array_equal(read_grey(path), GREY)
    assert np.array_equal(read_colour(path), np.stack([GREY] * 3, axis=2))


def test_avif_where_pillow_has_it(save):
    if features.check("avif"):
        path = save(encoded(COLOUR, "avif", quality=95, subsampling="4:4:4"))
        assert np.abs(read_colour(path) - COLOUR.astype(int)).mean() < 2
    else:
        with pytest.raises(PictureError, match="known format"):
            read_grey(save(b"\0\0\0 ftypavif\0\0\0\0avifmif1miafMA1B" + bytes(50)))


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_first_frame_of_an_animation(kind, save):
    frames = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)]
    lossless = {"lossless": True} if kind == "webp" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **lossless)
    with Image.open(io.BytesIO(data)) as check:
        assert check.n_frames == 2
    tolerance = 60 if kind == "gif" else 0  # a palette of 256 colours
    assert np.abs(read_colour(save(data)) - COLOUR.astype(int)).max() <= tolerance


def test_palette(save):
    image = Image.fromarray(COLOUR).quantize(16)
    expected = np.array(image.getpalette()[:48], np.uint8).reshape(-1, 3)[np.array(image)]
    assert np.array_equal(read_colour(save(encoded(image, "png"))), expected)


def test_black_and_white(save):
    bits = GREY > 120
    image = Image.fromarray(bits)
    assert image.mode == "1"
    for kind in ("png", "tiff"):
        assert np.array_equal(read_grey(save(encoded(image, kind))), bits * np.uint8(255))


@pytest.mark.parametrize("kind", ["png", "tiff", "webp"])
def test_alpha_over_neutral_grey(kind, save):
    alpha = np.tile(np.linspace(0, 255, COLUMNS).astype(np.uint8), (ROWS, 1))
    data = encoded(np.dstack([COLOUR, alpha]), kind, **LOSSLESS[kind], **EXACT.get(kind, {}))
    share = alpha[..., None] / 255
    expected = COLOUR * share + 128 * (1 - share)
    path = save(data)
    assert np.abs(read_colour(path) - expected).max() <= 1
    grey = expected @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read_grey(path) - grey).max() <= 1.5


def test_grey_with_alpha_and_palette_with_a_transparent_colour(save):
    alpha = np.where(GREY > 128, 255, 0).astype(np.uint8)
    image = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(alpha)])
    expected = np.where(GREY > 128, GREY, 128)
    assert np.array_equal(read_grey(save(encoded(image, "png"))), expected)

    palette = Image.fromarray(COLOUR).quantize(4)
    path = save(encoded(palette, "gif", transparency=2))
    colour = read_colour(path)
    assert np.all(colour[np.array(palette) == 2] == 128)
    assert not np.all(colour == 128)


def test_16_bits_are_scaled_not_clipped(save):
    wide = RNG.integers(0, 65536, (ROWS, COLUMNS, 3)).astype(np.uint16)
    expected = wide / 257
    for suffix in (".png", ".tiff", ".ppm"):
        colour = read_colour(save(opencv_encoded(wide[..., ::-1], suffix)))
        assert np.abs(colour - expected).max() <= 1
    for suffix in (".png", ".tiff", ".pgm"):
        path = save(opencv_encoded(wide[..., 0], suffix))
        assert np.abs(read_grey(path) - expected[..., 0]).max() <= 0.51
        assert np.abs(read_colour(path) - expected[..., :1]).max() <= 0.51


def test_a_dark_picture_of_16_bits_stays_dark(save):
    dark = np.full((ROWS, COLUMNS), 200, np.uint16)
    assert np.all(read_grey(save(opencv_encoded(dark, ".png"))) == 1)


def test_numbers_of_32_bits(save):
    unit = RNG.random((ROWS, COLUMNS)).astype(np.float32)
    unit[0, :2] = 0, 1
    for suffix in (".tiff", ".pfm"):
        assert np.abs(read_grey(save(opencv_encoded(unit, suffix))) - unit * 255).max() <= 0.51
    stretched = read_grey(save(opencv_encoded(unit * 40 - 20, ".tiff")))
    assert np.abs(stretched - unit * 255).max() <= 0.52
    counts = (unit * 1e9).astype(np.int32)
    assert np.abs(read_grey(save(encoded(counts, "tiff"))) - unit * 255).max() <= 0.52
    holes = unit.copy()
    holes[3, 3], holes[4, 4] = np.nan, np.inf
    assert read_grey(save(opencv_encoded(holes, ".tiff")))[[3, 4], [3, 4]].tolist() == [0, 0]


def test_formats_that_only_opencv_reads(save):
    unit = RNG.random((ROWS, COLUMNS, 3)).astype(np.float32)
    for suffix in (".tiff", ".pfm", ".hdr"):
        data = opencv_encoded(unit, suffix)
        with pytest.raises(OSError):
            Image.open(io.BytesIO(data))
        path = save(data)
        assert np.abs(read_colour(path) - unit[..., ::-1] * 255).max() <= 1.6
        with pytest.raises(PictureError, match="44 x 30 pixels"):
            read_colour(path, max_megapixels=0.001)
        with pytest.raises(PictureError, match="truncated"):
            read_colour(save(data[: len(data) // 2]))


@pytest.mark.parametrize("kind", ["jpg", "tiff"])
def test_cmyk(kind, save):
    ink = Image.fromarray(COLOUR).convert("CMYK")
    path = save(encoded(ink, kind, **({"quality": 100} if kind == "jpg" else {})))
    assert np.abs(read_colour(path) - COLOUR.astype(int)).mean() < 3
    weights = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read_grey(path) - weights).mean() < 3


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_orientation(kind, orientation, save):
    exif = Image.Exif()
    exif[TAG_ORIENTATION] = orientation
    path = save(encoded(COLOUR, kind, exif=exif, **LOSSLESS[kind]))
    assert np.array_equal(read_colour(path), UPRIGHT[orientation](COLOUR))


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_orientation_of_a_jpeg_as_opencv_turns_it(orientation, save):
    exif = Image.Exif()
    exif[TAG_ORIENTATION] = orientation
    data = encoded(COLOUR, "jpg", exif=exif)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(read_grey(save(data)), expected)


@pytest.mark.parametrize("exif", [b"Exif\0\0II*\0\x08\0", b"Exif\0\0garbage", b"Exif\0\0"])
def test_damaged_metadata_do_no_harm(exif, save):
    data = encoded(COLOUR, "jpg", exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_colour(save(data)).shape == COLOUR.shape


@pytest.mark.parametrize("name", ["顔 写真.png", "é ü ß.png", "🙂.png", 'a\'b "c".png', "Кот.JPG"])
def test_any_name(name, save):
    assert np.array_equal(read_grey(save(encoded(GREY, "png"), name)), GREY)
    assert np.array_equal(read_grey(str(save(encoded(GREY, "png"), name))), GREY)


# ---- what is refused -----------------------------------------------------------------------------


def png_header(width, height):
    """A PNG of that size that ends where its pixels begin."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 100) + b"IDAT"


@pytest.mark.parametrize("side", [10_001, 14_000, 60_000, 2**31 - 1])
def test_too_many_pixels_by_the_header_alone(side, save):
    path = save(png_header(side, side))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PictureError, match=r"picture\.bin: .*(100 megapixels|larger than)"):
            read_grey(path)


def test_the_limit_can_be_set(save):
    path = save(encoded(np.zeros((1000, 1000), np.uint8), "png"))
    assert read_grey(path, max_megapixels=1).shape == (1000, 1000)
    with pytest.raises(PictureError, match="1000 x 1000 pixels, more than the limit of 0.99 "):
        read_colour(path, max_megapixels=0.99)


TRUNCATED = {
    **{kind: encoded(COLOUR, kind, **more) for kind, more in LOSSLESS.items()},
    "jpg": encoded(COLOUR, "jpg"),
    "gif": encoded(COLOUR, "gif"),
    "tiff_lzw": encoded(COLOUR, "tiff", compression="tiff_lzw"),
    "png16": opencv_encoded(GREY.astype(np.uint16) * 257, ".png"),
}


@pytest.mark.parametrize("kind", TRUNCATED)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
def test_truncated_files_are_refused(kind, share, save):
    path = save(TRUNCATED[kind][: int(len(TRUNCATED[kind]) * share)])
    with pytest.raises(PictureError, match="truncated|cut off"):
        read_grey(path)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty file"),
        (b"Once upon a time", "not a picture"),
        (bytes(1000), "not a picture"),
        (b"GIF89a", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
    ],
)
def test_files_that_are_no_pictures(data, reason, save):
    with pytest.raises(PictureError, match=rf"picture\.bin: {reason}"):
        read_grey(save(data))


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(PictureError, match="a folder"):
        read_grey(tmp_path)
    with pytest.raises(PictureError, match=r"nowhere\.png: cannot be opened"):
        read_grey(tmp_path / "nowhere.png")
    with pytest.raises(PictureError, match="cannot be opened"):
        read_grey(tmp_path / "a\0b.png")
    with pytest.raises(PictureError, match="cannot be opened"):
        read_grey(tmp_path / ("n" * 5000))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(PictureError, match="not an ordinary file"):
            read_grey(tmp_path / "pipe.png")


def test_a_file_that_may_not_be_read(save, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    path = save(encoded(GREY, "png"))
    monkeypatch.setattr("builtins.open", refuse)  # root may read whatever chmod says
    with pytest.raises(PictureError, match=r"cannot be opened \(Permission denied\)"):
        read_grey(path)


WHOLE = {
    **TRUNCATED,
    "alpha": encoded(np.dstack([COLOUR, GREY]), "webp"),
    "palette": encoded(Image.fromarray(COLOUR).quantize(9), "png"),
    "hdr": opencv_encoded(COLOUR.astype(np.float32), ".hdr"),
    "float": opencv_encoded(COLOUR.astype(np.float32), ".tiff"),
    "ico": encoded(COLOUR, "ico"),
    "cmyk": encoded(Image.fromarray(COLOUR).convert("CMYK"), "jpg"),
}


@settings(max_examples=400)
@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=12),
    st.integers(0, 200),
    st.booleans(),
)
def test_damaged_bytes_end_in_a_picture_or_a_reason(tmp_path_factory, kind, changes, head, cut):
    data = bytearray(WHOLE[kind])
    for place, value in changes:
        data[place % (head + 30 if cut else len(data)) % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "fuzzed.bin"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            grey = read_grey(path, max_megapixels=1)
        except PictureError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
        else:
            assert grey.dtype == np.uint8 and grey.ndim == 2 and grey.size <= 1e6


# ---- folders and writing -------------------------------------------------------------------------


def test_find_pictures(tmp_path):
    names = ["b.PNG", "a.jpg", "sub/c.webp", "sub/deep/顔.gif", "sub.png/inside.avif", "empty.jpeg"]
    others = ["notes.txt", ".hidden.png", ".thumbs/d.png", "png", "e.png.bak"]
    for name in names + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_pictures(tmp_path) == sorted(tmp_path / name for name in names)
    assert find_pictures(tmp_path / ".thumbs") == [tmp_path / ".thumbs/d.png"]


def test_find_pictures_follows_no_links_to_folders(tmp_path):
    (tmp_path / "a.png").touch()
    os.symlink(tmp_path, tmp_path / "round")
    assert find_pictures(tmp_path) == [tmp_path / "a.png"]


def test_find_pictures_leaves_out_the_thumbnails_of_a_sorted_folder(tmp_path):
    for folder in ("sorted", "other"):
        for name in ("sad/a.png", "_contact_sheet/0123.jpg"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).touch()
    (tmp_path / "sorted" / "manifest.json").write_bytes(render_json(Manifest()))
    names = ["other/_contact_sheet/0123.jpg", "other/sad/a.png", "sorted/sad/a.png"]
    assert find_pictures(tmp_path) == [tmp_path / name for name in names]


def test_find_pictures_needs_a_folder(tmp_path):
    (tmp_path / "a.png").touch()
    for path in (tmp_path / "none", tmp_path / "a.png"):
        with pytest.raises(UserError, match="folder of pictures"):
            find_pictures(path)


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "ppm"])
def test_written_pictures_read_the_same(kind, tmp_path):
    for array, read in ((GREY, read_grey), (COLOUR, read_colour)):
        path = tmp_path / f"顔.{kind}"
        write_picture(path, array)
        assert np.array_equal(read(path), array)
        decoded = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
        expected = array if array.ndim == 3 else np.stack([array] * 3, axis=2)
        assert np.array_equal(decoded, expected[..., ::-1])


def test_quality(tmp_path):
    for suffix in (".jpg", ".webp"):
        write_picture(tmp_path / f"low{suffix}", COLOUR, quality=20)
        write_picture(tmp_path / f"high{suffix}", COLOUR, quality=95)
        low, high = (np.abs(read_colour(tmp_path / f"{name}{suffix}") - COLOUR.astype(int)).mean()
                     for name in ("low", "high"))  # fmt: skip
        assert high < low


def test_writing_replaces_at_once_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "a.png"
    write_picture(path, GREY)
    write_picture(path, 255 - GREY)
    assert np.array_equal(read_grey(path), 255 - GREY)
    assert list(tmp_path.iterdir()) == [path]


def test_writing_refuses(tmp_path):
    for name in ("a.xyz", "a", "a.pcd"):
        with pytest.raises(UserError, match=r"use \.png"):
            write_picture(tmp_path / name, GREY)
    with pytest.raises(UserError, match="cannot be written"):
        write_picture(tmp_path / "none" / "a.png", GREY)
    with pytest.raises(UserError, match="cannot be written"):
        write_picture(tmp_path / "a.webp", np.zeros((1, 20000), np.uint8))
    for bad in (GREY.astype(float), COLOUR[..., :2], COLOUR[None]):
        with pytest.raises(ValueError, match="uint8"):
            write_picture(tmp_path / "a.png", bad)
    assert list(tmp_path.iterdir()) == []
