"""Words for colours: a plain colour means its shades, a shade means itself or what comes next to it in a catalogue."""

from __future__ import annotations

from collections.abc import Collection, Mapping

# The families of Vitrine's colour vocabulary (vision's `garments/color_names.py`); a test holds the two together.
_FAMILIES: Mapping[str, str] = {
    "grey": "charcoal|light grey|slate",
    "white": "off-white|ivory|cream",
    "beige": "sand|stone",
    "brown": "taupe|camel|tan|caramel|cognac|chocolate",
    "orange": "rust|terracotta|burnt orange|peach|apricot|coral|neon orange",
    "red": "scarlet|crimson|burgundy",
    "pink": "salmon|light pink|hot pink|fuchsia|rose|dusty pink|magenta|neon pink",
    "purple": "violet|lavender|lilac|mauve|plum|aubergine",
    "blue": "navy|royal blue|cobalt|denim blue|steel blue|light blue|sky blue|powder blue|indigo|turquoise|aqua|petrol",
    "green": "khaki|teal|mint|sage|emerald|light green|lime|olive|army green|forest green|bottle green|neon green",
    "yellow": "light yellow|mustard|gold|neon yellow",
}
FAMILIES: Mapping[str, tuple[str, ...]] = {name: tuple(shades.split("|")) for name, shades in _FAMILIES.items()}
# What people also say, with the closest name first. Words that mean a cloth or a thing as often (denim, brick) are left
# out.
_NAMES: Mapping[str, str] = {
    "navy blue": "navy", "dark blue": "navy", "midnight blue": "navy", "midnight": "navy", "gray": "grey",
    "light gray": "light grey", "dark grey": "charcoal", "dark gray": "charcoal", "anthracite": "charcoal",
    "graphite": "charcoal", "slate": "charcoal|grey", "pale grey": "light grey", "off white": "off-white",
    "ivory": "off-white|cream", "ecru": "cream|off-white", "eggshell": "ivory|off-white", "cream": "off-white",
    "creme": "cream|off-white", "nude": "beige", "sand": "beige|stone", "oatmeal": "stone|beige",
    "maroon": "burgundy", "wine": "burgundy", "wine red": "burgundy", "bordeaux": "burgundy", "oxblood": "burgundy",
    "dark red": "burgundy", "crimson": "burgundy|red", "scarlet": "red", "bright red": "scarlet|red",
    "violet": "purple", "lilac": "lavender|purple", "mauve": "lilac|lavender|purple", "light purple": "lavender|lilac",
    "aubergine": "plum", "eggplant": "aubergine|plum", "dark purple": "plum|aubergine",
    "dark green": "forest green|bottle green", "bottle green": "forest green", "hunter green": "forest green",
    "racing green": "forest green", "army green": "olive|khaki", "military green": "army green|olive|khaki",
    "emerald green": "emerald", "olive green": "olive", "sage green": "sage", "mint green": "mint",
    "light green": "mint|sage", "pale green": "mint|light green", "pistachio": "light green|mint",
    "royal": "royal blue", "cobalt": "royal blue", "electric blue": "royal blue", "bright blue": "royal blue",
    "cobalt blue": "cobalt|royal blue", "baby blue": "light blue|sky blue", "pale blue": "light blue|powder blue",
    "powder blue": "light blue", "azure": "sky blue", "aqua": "turquoise", "cyan": "aqua|turquoise",
    "petrol": "teal", "dark teal": "petrol|teal", "fuchsia": "hot pink", "magenta": "hot pink|fuchsia",
    "bright pink": "hot pink", "baby pink": "light pink", "pale pink": "light pink", "blush": "light pink",
    "blush pink": "light pink", "rose": "dusty pink|pink", "dusky pink": "dusty pink", "salmon": "coral|peach",
    "apricot": "peach", "burnt orange": "rust|terracotta", "dark brown": "chocolate", "chocolate brown": "chocolate",
    "light brown": "tan|camel", "caramel": "camel|cognac|tan", "espresso": "chocolate", "tobacco": "cognac",
    "ochre": "mustard", "mustard yellow": "mustard", "lemon": "light yellow|yellow", "golden": "gold",
    "reddish": "red", "bluish": "blue", "greenish": "green", "brownish": "brown", "greyish": "grey",
    "pinkish": "pink", "yellowish": "yellow",
}  # fmt: skip
COLOR_NAMES: Mapping[str, tuple[str, ...]] = {name: tuple(ours.split("|")) for name, ours in _NAMES.items()}
_FAMILY_OF: Mapping[str, str] = {shade: family for family, shades in FAMILIES.items() for shade in shades}


def other_names(known: Collection[str]) -> dict[str, str]:
    """Returns other words for colours with what they mean in a catalogue: a colour of it, or a family that it has.

    Args:
        known: The colours of the catalogue.
    """
    there = {
        family for family, shades in FAMILIES.items() if family in known or any(shade in known for shade in shades)
    }
    names: dict[str, str] = {family: family for family in sorted(there)}
    for name in (*COLOR_NAMES, *_FAMILY_OF):
        nearest = next((color for color in COLOR_NAMES.get(name, ()) if color in known), None)
        # A shade that nobody here sells nor anything like it: of its family at least.
        meant = nearest or next((family for family in _families(name) if family in there), None)
        if meant and name not in known:
            names.setdefault(name, meant)
    return names


def _families(name: str) -> tuple[str, ...]:
    close = (name, *COLOR_NAMES.get(name, ()))
    return tuple(_FAMILY_OF.get(color, color) for color in close)


def widened(color: str, known: Collection[str]) -> tuple[str, ...]:
    """Returns the colours of a catalogue that a word means when it is asked for: a plain colour means its shades."""
    own = (color,) if color in known else ()
    return (*own, *(shade for shade in FAMILIES.get(color, ()) if shade in known))


def shades(color: str, known: Collection[str]) -> tuple[str, ...]:
    """Returns a colour with its shades in a catalogue, as exclusions mean them: not brown is not chocolate either."""
    family = FAMILIES.get(color, ())
    return (
        color,
        *(name for name in sorted(known) if name != color and (name in family or name.endswith(f" {color}"))),
    )
