"""Decoding: limits before allocation, upright 8-bit BGR after it."""

import io
import struct
import zlib

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageOps
import pytest
from skimage.data import astronaut

from imaging import decode
from imaging.decode import DecodeLimits, check, decode_bgr, decode_bgr_thumbnail, decode_gray_thumbnail, encode_jpeg
from imaging.errors import ImageError, ImageReason

pytestmark = pytest.mark.unit

RGB = astronaut()
FORMATS = ("JPEG", "PNG", "WEBP")


def encode(image: PIL.Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(width: int = 320, height: int = 240) -> PIL.Image.Image:
    return PIL.Image.fromarray(RGB).resize((width, height))


def bgr_of(image: PIL.Image.Image) -> npt.NDArray[np.uint8]:
    return np.asarray(image.convert("RGB"))[:, :, ::-1]


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is huge and holds nothing."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + body
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + end


def jpeg_with_size(width: int, height: int) -> bytes:
    """A JPEG whose frame header says another size than its data have."""
    data = bytearray(encode(photo(64, 64), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def reason_of(data: bytes, **options: object) -> ImageReason:
    with pytest.raises(ImageError) as caught:
        decode_bgr(data, **options)  # type: ignore[arg-type]
    return caught.value.reason


@pytest.mark.parametrize("kind", FORMATS)
def test_decode_each_format_gives_what_pillow_gives(kind: str) -> None:
    data = encode(photo(), kind, **({"quality": 95} if kind != "PNG" else {}))
    expected = bgr_of(PIL.Image.open(io.BytesIO(data))).astype(int)
    image = decode_bgr(data)
    assert image.dtype == np.uint8
    assert image.flags["C_CONTIGUOUS"]
    assert np.abs(image.astype(int) - expected).mean() < 1.0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", ImageReason.EMPTY, id="empty"),
        pytest.param(b"\x00" * 64, ImageReason.FORMAT_UNSUPPORTED, id="zeros"),
        pytest.param(b"hello, I am text", ImageReason.FORMAT_UNSUPPORTED, id="text"),
        pytest.param(encode(photo(), "GIF"), ImageReason.FORMAT_UNSUPPORTED, id="gif"),
        pytest.param(encode(photo(), "BMP"), ImageReason.FORMAT_UNSUPPORTED, id="bmp"),
        pytest.param(b"\xff\xd8\xff", ImageReason.CORRUPT, id="only-jpeg-magic"),
        pytest.param(b"\x89PNG\r\n\x1a\n", ImageReason.CORRUPT, id="only-png-magic"),
        pytest.param(b"RIFF\x00\x00\x00\x00WEBP", ImageReason.CORRUPT, id="only-webp-magic"),
        pytest.param(encode(photo(8, 64), "PNG"), ImageReason.TOO_SMALL, id="narrow"),
        pytest.param(png_header(10_000, 5_000), ImageReason.TOO_LARGE, id="png-bomb"),
        pytest.param(jpeg_with_size(10_000, 5_000), ImageReason.TOO_LARGE, id="jpeg-bomb"),
        pytest.param(png_header(20_000, 20), ImageReason.TOO_LARGE, id="long-strip"),
        pytest.param(png_header(0, 5), ImageReason.CORRUPT, id="no-width"),
        pytest.param(png_header(200, 200), ImageReason.CORRUPT, id="no-pixels"),
    ],
)
def test_decode_bad_input_is_refused_with_its_reason(data: bytes, reason: ImageReason) -> None:
    assert reason_of(data) is reason


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95, 0.999])
def test_decode_truncated_is_corrupt(kind: str, share: float) -> None:
    data = encode(photo(), kind)
    assert reason_of(data[: int(len(data) * share)]) is ImageReason.CORRUPT


def test_decode_truncated_progressive_jpeg_is_corrupt() -> None:
    data = encode(photo(), "JPEG", progressive=True)
    assert decode_bgr(data).shape == (240, 320, 3)
    assert reason_of(data[: len(data) // 2]) is ImageReason.CORRUPT


def test_decode_overwritten_png_is_corrupt() -> None:
    data = bytearray(encode(photo(), "PNG"))
    data[len(data) // 2] ^= 0xFF
    assert reason_of(bytes(data)) is ImageReason.CORRUPT


def test_decode_jpeg_with_markers_in_its_scan_is_corrupt() -> None:
    data = bytearray(encode(photo(), "JPEG"))
    middle = data.index(b"\xff\xda") + 500
    data[middle : middle + 2] = b"\xff\x01"
    assert reason_of(bytes(data)) is ImageReason.CORRUPT


@pytest.mark.parametrize("inserted", ["scans", "segments"])
def test_decode_jpeg_that_costs_more_than_its_pixels_is_corrupt(inserted: str) -> None:
    data = encode(photo(), "JPEG", progressive=True)
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    bombs = {
        "scans": data[:-2] + 100 * last_scan + data[-2:],
        "segments": data[:2] + 5000 * b"\xff\xe0\x00\x02" + data[2:],
    }
    assert cv2.imdecode(np.frombuffer(bombs[inserted], np.uint8), cv2.IMREAD_COLOR) is not None
    assert reason_of(bombs[inserted]) is ImageReason.CORRUPT


def test_decode_ignores_what_phones_append_to_a_jpeg() -> None:
    data = encode(photo(), "JPEG")
    np.testing.assert_array_equal(decode_bgr(data + b"a video" * 100), decode_bgr(data))


def test_decode_bomb_is_refused_without_calling_the_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "_imdecode", lambda *_: pytest.fail("the decoder was called"))
    assert reason_of(png_header(10_000, 5_000)) is ImageReason.TOO_LARGE
    assert reason_of(encode(photo(), "JPEG"), limits=DecodeLimits(max_bytes=100)) is ImageReason.TOO_LARGE


def test_limits_tell_limit_and_actual() -> None:
    with pytest.raises(ImageError) as caught:
        check(png_header(10_000, 5_000))
    assert caught.value.metadata == {"limit": "40000000", "actual": "50000000"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_decode_applies_exif_orientation(kind: str, orientation: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, dict[str, object]] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98, "subsampling": 0}}
    data = encode(photo(96, 64), kind, exif=exif, **options.get(kind, {}))
    expected = bgr_of(PIL.ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(data)))).astype(int)
    image = decode_bgr(data)
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 1.0
    gray = decode_gray_thumbnail(data, width_px=expected.shape[1], height_px=expected.shape[0]).astype(int)
    assert np.abs(gray - cv2.cvtColor(expected.astype(np.uint8), cv2.COLOR_BGR2GRAY)).mean() < 1.5


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "PNG"), ("L", "JPEG"), ("P", "PNG"), ("1", "PNG"), ("CMYK", "JPEG"), ("L", "WEBP")],
)
def test_decode_other_modes_give_three_channels(mode: str, kind: str) -> None:
    data = encode(photo().convert(mode), kind)
    expected = bgr_of(PIL.Image.open(io.BytesIO(data))).astype(int)
    image = decode_bgr(data)
    assert image.shape == (240, 320, 3)
    assert np.abs(image.astype(int) - expected).mean() < 3.0


def test_decode_16_bit_png_keeps_the_high_byte() -> None:
    deep = (np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16)[..., np.newaxis].repeat(3, axis=2)
    data = cv2.imencode(".png", deep)[1].tobytes()
    assert np.abs(decode_bgr(data).astype(int) - deep / 257).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_decode_lays_transparency_on_white(kind: str, mode: str) -> None:
    image = photo(64, 64).convert(mode)
    image.putalpha(PIL.Image.linear_gradient("L").resize((64, 64)))
    data = encode(image, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))
    white = PIL.Image.new("RGBA", (64, 64), "white")
    expected = bgr_of(PIL.Image.alpha_composite(white, image.convert("RGBA"))).astype(int)
    assert np.abs(decode_bgr(data).astype(int) - expected).max() <= 2
    assert decode_gray_thumbnail(data, width_px=32, height_px=32)[0].mean() > 240


def test_decode_animation_gives_its_first_picture() -> None:
    first, second = photo(64, 64), PIL.Image.new("RGB", (64, 64), "red")
    data = encode(first, "WEBP", save_all=True, append_images=[second], lossless=True)
    np.testing.assert_array_equal(decode_bgr(data), bgr_of(first))


@pytest.mark.parametrize("kind", FORMATS)
def test_decode_shrinks_to_the_longer_side(kind: str) -> None:
    data = encode(photo(2000, 1000), kind)
    small = decode_bgr(data, max_side_px=480)
    assert small.shape == (240, 480, 3)
    expected = cv2.resize(decode_bgr(data), (480, 240), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected.astype(int)).mean() < 2.0


def test_decode_never_enlarges() -> None:
    assert decode_bgr(encode(photo(), "JPEG"), max_side_px=4000).shape == (240, 320, 3)


def test_gray_thumbnail_of_a_vga_frame_is_the_quarter_decode() -> None:
    data = encode_jpeg(bgr_of(photo(640, 480)), quality=75)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_4)
    np.testing.assert_array_equal(decode_gray_thumbnail(data), expected)


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (200, 150), (480, 640)])
def test_thumbnails_are_close_to_shrinking_the_full_decode(size: tuple[int, int]) -> None:
    data = encode(photo(*size), "JPEG", quality=90)
    full = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert full is not None
    expected = cv2.resize(full, (160, 120), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(decode_bgr_thumbnail(data).astype(int) - expected).mean() < 3.0


def test_encode_jpeg_keeps_no_metadata() -> None:
    exif = PIL.Image.Exif()
    exif[0x010E] = "my home address"
    data = encode_jpeg(decode_bgr(encode(photo(), "JPEG", exif=exif)))
    assert b"home" not in data
    assert not PIL.Image.open(io.BytesIO(data)).getexif()
