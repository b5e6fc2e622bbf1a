"""The picture of a digest, in languages whose words are longer than ours, or written from the right."""

import io
from importlib.resources import files

import pytest
from PIL import Image, ImageColor, ImageFont

from bot.workers.picture import LONGEST, MARGIN, PAPER, STRIPE, draw
from conversations.languages import LANGUAGES
from conversations.plan.messages.digests import matrix
from tests.conversations.plan.commission import stand
from tests.conversations.plan.messages.digest_screens import crowd
from tests.pseudo import PSEUDO, right_to_left

pytestmark = pytest.mark.usefixtures("pseudo")


@pytest.mark.parametrize("language", [*LANGUAGES, *PSEUDO])
@pytest.mark.parametrize("standing", [stand, lambda: crowd(30)], ids=["a commission", "a crowd"])
def test_nothing_is_written_over_the_edge(standing: object, language: str) -> None:
    """The margin on the right stays empty, whatever the words of the legend and the title."""
    assert callable(standing)

    image = Image.open(io.BytesIO(draw(matrix(standing(), language, plan="Plan Nacional " * 20)))).convert("RGB")
    assert max(image.size) <= LONGEST

    half = round(MARGIN / 2 * min(1, LONGEST / max(image.size)))
    edge = image.crop((image.width - half, 0, image.width, image.height))
    light = [ImageColor.getrgb(colour) for colour in (PAPER, STRIPE)]
    colours = [colour for _, colour in edge.getcolors(edge.width * edge.height) or []]
    assert [colour for colour in colours if min(_distance(colour, each) for each in light) > 12] == []


def _distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def test_the_fonts_have_arabic_letters() -> None:
    """A missing glyph would be a box."""
    letters = set(right_to_left("abcdefghijklmnopqrstuvwxyz", 0))
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        font = ImageFont.truetype(io.BytesIO((files("conversations") / "fonts" / name).read_bytes()), 40)
        box = bytes(font.getmask("\U0001f512"))
        assert [letter for letter in sorted(letters) if bytes(font.getmask(letter)) == box] == []
