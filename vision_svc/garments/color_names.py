"""Names of colours as people who talk about clothes use them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from imaging.color import delta_e_2000, srgb_to_lab

# Name, sRGB, family. The values are the centres of what dyed cloth of that name looks like in daylight; where CSS Color
# Module Level 4 has the name (navy, coral, teal ...) its value is used unless cloth of that name is clearly duller.
# Black cloth is no black hole: it gives back 1 to 3 % of the light, which is L* 10 to 20, in a photo up to 25; white
# cloth is seldom above L* 96. The greys between them stand about 20 apart, as far as folds and light move a photo.
_TABLE: tuple[tuple[str, str, str], ...] = (
    ("black", "#252526", "black"),
    ("charcoal", "#4a4d50", "grey"),
    ("grey", "#808080", "grey"),
    ("light grey", "#b8b8b8", "grey"),
    ("slate", "#5f6b7a", "grey"),
    ("white", "#f5f5f5", "white"),
    ("off-white", "#f3f0e6", "white"),
    ("ivory", "#f6efd6", "white"),
    ("cream", "#f3e5bd", "white"),
    ("beige", "#d9c7a3", "beige"),
    ("sand", "#cbb287", "beige"),
    ("stone", "#bdb6a6", "beige"),
    ("taupe", "#8b7d6f", "brown"),
    ("khaki", "#a39a68", "green"),
    ("camel", "#bd8f53", "brown"),
    ("tan", "#c9a26f", "brown"),
    ("caramel", "#a9682e", "brown"),
    ("cognac", "#8f4a22", "brown"),
    ("brown", "#6e4728", "brown"),
    ("chocolate", "#46291a", "brown"),
    ("rust", "#a8431f", "orange"),
    ("terracotta", "#c3674a", "orange"),
    ("orange", "#f5821f", "orange"),
    ("burnt orange", "#c9561a", "orange"),
    ("peach", "#fbc29c", "orange"),
    ("apricot", "#f7a86b", "orange"),
    ("coral", "#fb7260", "orange"),
    ("salmon", "#f59a86", "pink"),
    ("red", "#d01c25", "red"),
    ("scarlet", "#f0281e", "red"),
    ("crimson", "#a8122f", "red"),
    ("burgundy", "#6b1227", "red"),
    ("pink", "#f39cbb", "pink"),
    ("light pink", "#f9d0da", "pink"),
    ("hot pink", "#f0308a", "pink"),
    ("fuchsia", "#cf1f8d", "pink"),
    ("rose", "#d9677f", "pink"),
    ("dusty pink", "#cba09f", "pink"),
    ("magenta", "#b3126c", "pink"),
    ("purple", "#6a2c8c", "purple"),
    ("violet", "#8145c4", "purple"),
    ("lavender", "#b9a9dc", "purple"),
    ("lilac", "#cda8d3", "purple"),
    ("mauve", "#9c7390", "purple"),
    ("plum", "#5a2350", "purple"),
    ("aubergine", "#38203a", "purple"),
    ("navy", "#1b2545", "blue"),
    ("blue", "#2456b8", "blue"),
    ("royal blue", "#2438c8", "blue"),
    ("cobalt", "#0f479f", "blue"),
    ("denim blue", "#47688f", "blue"),
    ("steel blue", "#4b82b4", "blue"),
    ("light blue", "#a9cbe8", "blue"),
    ("sky blue", "#74b8ea", "blue"),
    ("powder blue", "#c3d6e2", "blue"),
    ("indigo", "#332f6e", "blue"),
    ("turquoise", "#2fc4c0", "blue"),
    ("aqua", "#7fdfdc", "blue"),
    ("teal", "#10757a", "green"),
    ("petrol", "#114a57", "blue"),
    ("mint", "#b2e6cc", "green"),
    ("sage", "#9dab8e", "green"),
    ("green", "#2c8b42", "green"),
    ("emerald", "#0e7b55", "green"),
    ("light green", "#99d694", "green"),
    ("lime", "#b4dc2c", "green"),
    ("olive", "#67642d", "green"),
    ("army green", "#4a5032", "green"),
    ("forest green", "#1e4a2b", "green"),
    ("bottle green", "#12332a", "green"),
    ("yellow", "#f7d52a", "yellow"),
    ("light yellow", "#f9eb9c", "yellow"),
    ("mustard", "#cf9b21", "yellow"),
    ("gold", "#c29a47", "yellow"),
    ("neon yellow", "#e3f82c", "yellow"),
    ("neon green", "#4dfa34", "green"),
    ("neon pink", "#fe3fa6", "pink"),
    ("neon orange", "#ff6a1e", "orange"),
)  # fmt: skip

# What people also say; every value is a name of the table.
SYNONYMS: dict[str, str] = {
    "gray": "grey", "dark grey": "charcoal", "dark gray": "charcoal", "light gray": "light grey",
    "silver": "light grey", "anthracite": "charcoal", "midnight blue": "navy", "espresso": "chocolate",
    "graphite": "charcoal", "offwhite": "off-white", "ecru": "cream", "eggshell": "ivory", "nude": "beige",
    "oatmeal": "stone", "tobacco": "cognac", "wine": "burgundy", "bordeaux": "burgundy", "oxblood": "burgundy",
    "maroon": "burgundy", "cherry": "crimson", "ruby": "crimson", "blush": "light pink", "baby pink": "light pink",
    "pale pink": "light pink", "dark pink": "rose", "navy blue": "navy", "dark blue": "navy", "marine": "navy",
    "baby blue": "light blue", "pale blue": "powder blue", "denim": "denim blue", "electric blue": "royal blue",
    "bright blue": "royal blue", "cyan": "aqua", "dark green": "forest green", "military green": "army green",
    "pistachio": "light green", "pale green": "light green", "dark red": "burgundy", "bright red": "scarlet",
    "dark brown": "chocolate", "light brown": "tan", "pale yellow": "light yellow", "ochre": "mustard",
    "golden": "gold", "lilacs": "lilac", "eggplant": "aubergine", "dark purple": "plum", "light purple": "lavender",
    "brick": "rust", "tomato": "scarlet", "copper": "caramel", "metallic": "light grey",
}  # fmt: skip


@dataclass(frozen=True)
class NamedColor:
    """One colour of the vocabulary.

    Attributes:
        name: Lower case.
        lab: float64 `(3,)`, CIE L*a*b*, D65.
        family: The basic colour that it belongs to: black, grey, white, beige, brown, red, orange, yellow, green, blue,
            purple or pink.
    """

    name: str
    lab: npt.NDArray[np.float64]
    family: str


@cache
def vocabulary() -> tuple[NamedColor, ...]:
    """Returns all colours that have a name."""
    lab = srgb_to_lab([parse_hex(value) for _, value, _ in _TABLE])
    return tuple(NamedColor(name, row, family) for (name, _, family), row in zip(_TABLE, lab, strict=True))


@cache
def by_name() -> dict[str, NamedColor]:
    """Returns the vocabulary by name, synonyms included."""
    named = {color.name: color for color in vocabulary()}
    return named | {synonym: named[name] for synonym, name in SYNONYMS.items()}


def nearest_color(lab: npt.ArrayLike) -> NamedColor:
    """Returns the named colour with the smallest dE2000 to a colour.

    Args:
        lab: `(3,)`, CIE L*a*b*, D65.
    """
    table = _table_lab()
    return vocabulary()[int(np.argmin(delta_e_2000(table, np.asarray(lab, np.float64))))]


def parse_hex(value: str) -> tuple[int, int, int]:
    """Reads `#rrggbb` as RGB, 0-255."""
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def format_hex(rgb: npt.ArrayLike) -> str:
    """Writes RGB, 0-255, as `#rrggbb`."""
    red, green, blue = (round(float(channel)) for channel in np.clip(np.asarray(rgb, np.float64), 0, 255))
    return f"#{red:02x}{green:02x}{blue:02x}"


@cache
def _table_lab() -> npt.NDArray[np.float64]:
    return np.stack([color.lab for color in vocabulary()])
