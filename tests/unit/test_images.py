"""Any still picture becomes upright RGB; anything else is refused with what to do."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from longtake.errors import PortraitUnreadable
from longtake.media.images import read_image

RED, BLUE = (250, 10, 10), (10, 10, 250)


def _two_tone(width=40, height=20):
    """Red on the left, blue on the right."""
    pixels = np.full((height, width, 3), RED, np.uint8)
    pixels[:, width // 2 :] = BLUE
    return Image.fromarray(pixels)


def _stored(picture, kind="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    stream.seek(0)
    return stream


def test_a_picture_is_turned_upright_by_its_exif_mark():
    exif = Image.Exif()
    exif[0x0112] = 6  # shown a quarter turn clockwise
    pixels = read_image(_stored(_two_tone(), "PNG", exif=exif))
    assert pixels.shape == (40, 20, 3)
    assert tuple(pixels[2, 10]) == RED
    assert tuple(pixels[-3, 10]) == BLUE


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "LAB"])
def test_every_mode_becomes_rgb_bytes(mode):
    picture = Image.new("LAB", (40, 20)) if mode == "LAB" else _two_tone().convert(mode)
    pixels = read_image(_stored(picture, "TIFF"))
    assert pixels.shape == (20, 40, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous


def test_transparent_pixels_show_white():
    picture = _two_tone().convert("RGBA")
    picture.putalpha(Image.fromarray(np.repeat([[0, 255]], 20, axis=0).repeat(20, axis=1).astype(np.uint8)))
    pixels = read_image(_stored(picture))
    assert tuple(pixels[10, 5]) == (255, 255, 255)
    assert tuple(pixels[10, 35]) == BLUE


def test_a_palette_with_a_transparent_entry_shows_white_there():
    picture = _two_tone().quantize(4)
    pixels = read_image(_stored(picture, transparency=picture.getpixel((2, 2))))
    assert tuple(pixels[10, 2]) == (255, 255, 255)


def test_sixteen_bit_grey_keeps_its_tones():
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16)[None].repeat(4, 0)
    pixels = read_image(_stored(Image.fromarray(ramp)))
    assert np.array_equal(pixels[0, :, 0], np.arange(256))


def test_float_grey_between_0_and_1_keeps_its_tones():
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(4, 0)
    assert np.array_equal(read_image(_stored(Image.fromarray(ramp), "TIFF"))[0, :, 1], np.arange(256))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animated_picture_is_refused(kind):
    frames = [_two_tone(), _two_tone().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    stream = _stored(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(PortraitUnreadable, match="animated"):
        read_image(stream)


def test_a_still_gif_is_read():
    assert read_image(_stored(_two_tone(), "GIF")).shape == (20, 40, 3)


def test_a_cameras_jpeg_with_a_preview_behind_it_is_read():
    stream = _stored(_two_tone(), "MPO", save_all=True, append_images=[_two_tone(8, 8)])
    assert read_image(stream).shape == (20, 40, 3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_truncated_picture_is_refused(kind):
    whole = _stored(Image.effect_noise((200, 200), 90).convert("RGB"), kind).getvalue()
    with pytest.raises(PortraitUnreadable):
        read_image(io.BytesIO(whole[: len(whole) // 2]))


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", bytes(1000)])
def test_what_is_not_a_picture_is_refused(content):
    with pytest.raises(PortraitUnreadable):
        read_image(io.BytesIO(content))


@pytest.mark.parametrize(("width", "height"), [(50_000, 20), (20, 50_000), (16_000, 16_000), (2**31 - 1, 2**31 - 1)])
def test_a_huge_picture_is_refused_before_it_is_decoded(width, height):
    """Only the header says so large; decoding would fail otherwise, for there is almost no data behind it."""
    with pytest.raises(PortraitUnreadable, match="too large"):
        read_image(io.BytesIO(_png_header(width, height)))


def test_the_error_names_the_file_and_what_to_do(tmp_path):
    file = tmp_path / "me.png"
    file.write_text("not a picture")
    with pytest.raises(PortraitUnreadable, match=r"me\.png"):
        read_image(file)
    with pytest.raises(PortraitUnreadable, match="check the path"):
        read_image(tmp_path / "nobody.png")
    with pytest.raises(PortraitUnreadable, match="give a picture file"):
        read_image(tmp_path)


def _png_header(width: int, height: int) -> bytes:
    """A PNG of any claimed size with one line of data in it."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(64))))
    body = b"".join(
        struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data)) for tag, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body
