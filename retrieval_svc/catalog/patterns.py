"""Names of patterns: six that all of Vitrine uses, and what shops and people call them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from retrieval_svc.catalog.vocabulary import key

# As `GarmentAttributes.pattern` has them.
PLAIN = "plain"
WOVEN = ("striped", "checked")
PRINTED = ("dotted", "floral", "graphic")
PATTERNS = (PLAIN, *WOVEN, *PRINTED)
# From this confidence on, what vision sees in a picture stands for what the shop leaves out.
SURE = 0.75

_NAMES: Mapping[str, str] = {
    PLAIN: "plain|solid|solid color|solid colour|solid colored|solid coloured|one color|one colour|single color|"
    "single colour|unpatterned|unprinted",
    "striped": "striped|stripe|stripes|stripey|stripy|stripped|pinstripe|pinstripes|pinstriped|breton|"
    "candy stripe|candy striped|multistripe|chalk stripe",
    "checked": "checked|check|checks|checkered|chequered|checkerboard|plaid|tartan|gingham|windowpane|houndstooth|"
    "dogtooth|buffalo check|"
    "windowpane checked|windowpane check|houndstooth check|gingham check|glen check|prince of wales check",
    "dotted": "dotted|dot|dots|polka dot|polka dots|polka dotted|spotted|spotty|spots|dotty|polkadot|polkadots|"
    "pin dot|pin dots",
    "floral": "floral|florals|flower|flowers|flowered|flowery|floral print|flower print|"
    "botanical|botanical print|blossom|blossoms",
    "graphic": "graphic|graphics|graphic print|logo|logos|logo print|slogan|slogan print|lettering|photo print",
}
# Words that mean several of them; as a pattern of a product they say nothing certain.
PATTERN_GROUPS: Mapping[str, tuple[str, ...]] = {
    "patterned": (*WOVEN, *PRINTED), "pattern": (*WOVEN, *PRINTED), "patterns": (*WOVEN, *PRINTED),
    "print": PRINTED, "prints": PRINTED, "printed": PRINTED,
}  # fmt: skip
PATTERN_NAMES: Mapping[str, str] = {other: name for name, others in _NAMES.items() for other in others.split("|")}
_UNCERTAIN = frozenset({*PATTERN_GROUPS, "other", "mixed", "multi", "various", "none", "n/a", "unknown", "-"})


def pattern_of(text: str) -> str:
    """Returns the name of a pattern: one of `PATTERNS`, another word as a key; nothing where nothing certain is said.

    Args:
        text: In a shop's own words: `Polka-Dot`, `vertical stripes`, `camouflage`.
    """
    words = key(text.replace("-", " ").replace("_", " "))
    if words in _UNCERTAIN:
        return ""
    last = words.rsplit(" ", 1)[-1]
    return PATTERN_NAMES.get(words) or PATTERN_NAMES.get(last) or key(text)


def patterns_of(words: Iterable[str]) -> tuple[str, ...]:
    """Returns the patterns that words ask for, each once; a word for several of them asks for any of these."""
    found: list[str] = []
    for word in words:
        found += PATTERN_GROUPS.get(key(word), (pattern_of(word) or key(word),))
    return tuple(dict.fromkeys(found))


def effective_pattern(stated: str, seen: str) -> str:
    """Returns the pattern that filters compare: what the shop says, or else what vision saw.

    Args:
        stated: In the shop's words; may be empty.
        seen: What vision saw and was sure of; empty when it was not.
    """
    return pattern_of(stated) or seen
