"""Pictures from outside: opened, turned upright and written anew, so that nothing but pixels is kept."""

from __future__ import annotations

import io
import threading
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from routing.errors import InvalidInput

LARGEST_BYTES = 12 * 1024 * 1024
LARGEST_PIXELS = 50_000_000
LONGEST_SIDE = 2000
LONGEST_READ = 20_000
"""Pixels a side. A picture that is one pixel wide takes twenty times the memory of a square one of as many pixels."""
ACCEPTED = ("JPEG", "PNG", "WEBP")

_few_at_a_time = threading.BoundedSemaphore(2)
"""A picture of 50 million pixels takes hundreds of MB while it is opened: sixty-four at once would take the machine."""


def clean_picture(content: bytes, *, kind: str) -> tuple[bytes, str]:
    """The picture as we keep it, and its media type: a signature as PNG, a photo as JPEG of at most 2000 pixels a side.

    Where and with what it was taken (EXIF) is dropped, after the turn that EXIF asks for. Raises InvalidInput.
    """
    if len(content) > LARGEST_BYTES:
        raise InvalidInput("This picture is larger than 12 MB. Take it again with a lower resolution.", code="picture")
    with _few_at_a_time:
        return _cleaned(content, kind)


def _cleaned(content: bytes, kind: str) -> tuple[bytes, str]:
    try:
        # Only the head is read here; the warning is given anew below, as a refusal.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=ACCEPTED)
        if picture.width * picture.height > LARGEST_PIXELS:
            raise Image.DecompressionBombError
        if max(picture.size) > LONGEST_READ:
            raise InvalidInput(
                f"This picture is {picture.width:,} × {picture.height:,} pixels; at most {LONGEST_READ:,} a side are "
                "read. Take it again.",
                code="picture",
            )
        # A large JPEG is read at half, a quarter or an eighth of its size already: it never stands in memory whole.
        picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        upright = ImageOps.exif_transpose(picture)
    except Image.DecompressionBombError:
        raise InvalidInput("This picture has more than 50 million pixels. Take it smaller.", code="picture") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise InvalidInput(
            "This picture cannot be read. Take it again; JPEG, PNG and WebP work.", code="picture"
        ) from None
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    pixels = _on_white(upright)
    # What Pillow read beside them (comments, colour profiles) it would write again.
    pixels.info.clear()
    out = io.BytesIO()
    if kind == "signature":
        pixels.convert("L").save(out, "PNG", optimize=True)
        return out.getvalue(), "image/png"
    pixels.save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue(), "image/jpeg"


def _on_white(picture: Image.Image) -> Image.Image:
    """Without transparency: ink on nothing would be black on black."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(ground, layered).convert("RGB")
    return picture.convert("RGB")
