"""Images as they are sent: data URLs in base64, scaled down where Pillow is installed."""

import base64
import io
from importlib.util import find_spec
from typing import TYPE_CHECKING

from llmchat.amounts import size_text
from llmchat.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

LONGEST_SIDE = 1568
"""Pixels; vision models scale down what is larger, and take as many tokens for it."""

LARGEST = 5_000_000
"""Bytes of an image that is sent as it is."""

_MOST_PIXELS = 200_000_000
_LARGEST_FILE = 100_000_000
_QUALITY = 85
_EXTRA = "In llmchat's folder: pip install '.[images]'."

# What every server with vision takes, by the bytes that such a file begins with.
_SENT_AS_THEY_ARE = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))
_OTHERS = (b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0")
_OTHERS_AT_4 = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif")


def is_image(data: bytes) -> bool:
    """Whether a file that begins so is an image; an SVG is a text."""
    return bool(_format(data)) or data.startswith(_OTHERS) or data[4:12] in _OTHERS_AT_4


def data_url(data: bytes, name: str) -> str:
    """An image's bytes as they are sent; raises UsageError when it is too large or no sound image."""
    if len(data) > _LARGEST_FILE:
        raise UsageError(f"{name} has {size_text(len(data))}.", f"{size_text(_LARGEST_FILE)} is the most.")
    if find_spec("PIL"):
        return _url(*_scaled(data, name))
    format = _format(data)
    if not format:
        raise UsageError(f"{name} can be converted by Pillow only, which is not installed.", _EXTRA)
    if len(data) > LARGEST:
        raise UsageError(
            f"{name} has {size_text(len(data))}; to scale it down needs Pillow, which is not installed.",
            _EXTRA,
        )
    return _url(data, format)


def _format(data: bytes) -> str:
    """The name of the format when it can be sent as it is; else ""."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((format for begin, format in _SENT_AS_THEY_ARE if data.startswith(begin)), "")


def _url(data: bytes, format: str) -> str:
    return f"data:image/{format};base64,{base64.b64encode(data).decode()}"


def _scaled(data: bytes, name: str) -> tuple[bytes, str]:
    """The image as it is when it is small enough and stands upright; else made anew. Its format."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # the size is checked below, before anything is unpacked
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > _MOST_PIXELS:
                size = f"{image.width:,} × {image.height:,} pixels"
                raise UsageError(f"{name} has {size}.", "Scale it down first.")
            upright = image.getexif().get(_ORIENTATION, 1) == 1
            image.load()
            small = max(image.size) <= LONGEST_SIDE and len(data) <= LARGEST
            if small and upright and (format := _format(data)):
                return data, format
            made = ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise UsageError(f"{name} is no image that can be read.", "Does another program show it?") from error
    made.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return _encoded(made)


_ORIENTATION = 0x0112


def _encoded(image: "Image.Image") -> tuple[bytes, str]:
    """As PNG where something is transparent, or colours are few as in a drawing; else as JPEG."""
    out = io.BytesIO()
    if image.has_transparency_data or image.mode in ("1", "L", "P"):
        image.save(out, "PNG", optimize=True)
        return out.getvalue(), "png"
    image.convert("RGB").save(out, "JPEG", quality=_QUALITY)
    return out.getvalue(), "jpeg"
