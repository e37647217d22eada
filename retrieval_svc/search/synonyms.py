"""What shoppers call things: ordinary words for garments and occasions, beside those that a catalogue uses itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from retrieval_svc.catalog.vocabulary import Bucket


def _table(groups: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Reads `our name|the next best: other name|another`; a name that stands twice keeps its first meaning."""
    names: dict[str, tuple[str, ...]] = {}
    for ours, others in groups.items():
        for other in others.split("|"):
            names.setdefault(other, tuple(ours.split("|")))
    return names


# Other names of what shops sell, and what a catalogue may call them, the closest first. They count where the catalogue
# has not the other name itself. Words that are as often an adjective ("midi", "long sleeve") are left out: in "dress,
# midi" they would be a second garment.
CATEGORY_NAMES: Mapping[str, tuple[str, ...]] = _table({
    "t-shirt": "tee|tshirt|tee shirt",
    "tank top|top": "cami|camisole|singlet|tank|vest top|strappy top|halter top|spaghetti top|muscle top|"
    "sleeveless top",
    "longsleeve|t-shirt": "long sleeve top|long sleeved top|long sleeve tee|long sleeved tee",
    "polo": "polo shirt|polo tee",
    "blouse|shirt": "tunic|chemise",
    "sweater|jumper|pullover": "jumper|pullover|sweater|polo neck|knitwear",
    "cardigan|sweater": "cardi|cardie|cardy",
    "sweatshirt|hoodie|sweater": "sweatshirt|sweat top|crewneck",
    "hoodie|sweatshirt": "hoody|hooded sweatshirt|hooded sweater|hooded jumper",
    "blazer|jacket": "suit jacket|sport coat|sports coat|dinner jacket|tuxedo",
    "vest": "gilet|waistcoat|bodywarmer|body warmer|sleeveless jacket",
    "coat": "overcoat|trenchcoat|peacoat|topcoat|greatcoat|mackintosh",
    "jacket|coat": "shacket|windcheater|cagoule",
    "trousers": "pants|slacks|chinos|joggers|jogging bottoms|track pants|tracksuit bottoms|sweatpants|cargo pants|"
    "cargos|corduroys|cords|culottes|palazzos",
    "jeans|trousers": "jean|denims",
    "leggings": "yoga pants|treggings|jeggings|running tights|tights",
    "shorts": "bermudas|hot pants|trunks|board shorts",
    "skirt": "miniskirt|kilt|skort",
    "dress": "gown|frock|sundress|minidress|maxidress|shirtdress|lbd|kaftan|caftan",
    "jumpsuit|dress": "playsuit|romper|boiler suit|dungarees|overalls|catsuit|onesie|unitard",
    "sneakers|shoes": "trainers|sneakers|runners|running shoes|tennis shoes|gym shoes|plimsolls|high tops|kicks",
    "boots|shoes": "booties|bootees|wellies|wellingtons",
    "heels|shoes": "pumps|high heels|stilettos|stilettoes|court shoes|slingbacks|wedges",
    "sandals|shoes": "flip flops|sliders|slides",
    "bag": "handbag|purse|tote|backpack|rucksack|knapsack|clutch|satchel|shopper|holdall|duffel|duffle|crossbody|"
    "bumbag|bum bag|fanny pack|pouch",
    "headwear|hat|cap": "beanie|tuque|beret",
    "hat|headwear": "fedora|trilby|panama|sunhat|boater",
    "cap|headwear|hat": "snapback|visor",
    "scarf": "shawl|stole|pashmina|muffler|neckerchief|bandana|snood",
})  # fmt: skip

# What a word for a whole family takes in beside itself, where the catalogue sorts more finely. A name that ends in such
# a word ("trench coat") belongs to it without being listed.
_KINDS: Mapping[str, str] = {
    "hat": "headwear|cap|beanie|beret|bobble hat|bucket hat|fedora", "headwear": "hat|cap|beanie|beret",
    "bag": "handbag|backpack|tote|clutch|purse|rucksack", "knitwear": "sweater|jumper|pullover|cardigan",
    "sweater": "jumper|pullover", "jumper": "sweater|pullover", "pullover": "sweater|jumper",
    "trousers": "chinos|joggers|sweatpants", "coat": "trench|raincoat|overcoat", "jumpsuit": "playsuit|romper",
    "scarf": "shawl", "jewellery": "jewelry|necklace|earrings|bracelet|ring",
}  # fmt: skip
KINDS: Mapping[str, tuple[str, ...]] = {name: tuple(kinds.split("|")) for name, kinds in _KINDS.items()}

# Words that mean a place in an outfit, whether or not the catalogue has a category of that name too.
GENERAL: Mapping[str, Bucket] = {
    "shoe": Bucket.SHOES, "footwear": Bucket.SHOES, "outerwear": Bucket.OUTERWEAR,
    "accessory": Bucket.ACCESSORIES, "bottoms": Bucket.BOTTOM,
}  # fmt: skip
# Kinds that shops sort differently, so that only their place in an outfit is certain.
BUCKET_WORDS: Mapping[str, Bucket] = {
    **dict.fromkeys(("brogue", "brogues", "plimsoll", "lace-ups", "slip-ons", "mary-janes"), Bucket.SHOES),
    **dict.fromkeys(("peacoat", "mac", "fleece", "shacket", "overshirt"), Bucket.OUTERWEAR),
    **dict.fromkeys(("mittens", "earmuffs", "necklace", "bracelet", "earrings", "bowtie"), Bucket.ACCESSORIES),
    **dict.fromkeys(("corset", "bustier", "bralette", "halterneck"), Bucket.TOP),
}

# Words that are compared beside those that were typed, since shops write them: into titles, materials or tags.
ALSO: Mapping[str, tuple[str, ...]] = _table({
    "office formal": "job|interview|job interview|business|meeting|professional|corporate|boardroom|conference",
    "office": "work|workwear|desk",
    "formal party": "wedding|ceremony|graduation|christening|black tie|gala|prom",
    "evening party": "night out|clubbing|cocktail|cocktails|date night|dinner|new year",
    "summer holiday": "beach|seaside|vacation|poolside|pool|tropical|cruise",
    "summer": "hot weather|heatwave|sunny",
    "sport": "gym|running|run|jogging|workout|training|fitness|yoga|football|tennis|sporty|athletic",
    "outdoor": "hiking|hike|camping|trekking|walks|mountains",
    "winter": "warm|cold|cosy|cozy|snow|snowy|freezing|christmas",
    "rain waterproof": "rainy|wet weather|showerproof|rainproof",
    "travel": "travelling|traveling|trip|journey|flight",
    "casual": "relaxed|laid back|weekend",
    "wool": "woolly|wooly|woollen|woolen", "knit": "knitted|knitwear",
    "roll-neck": "turtleneck|turtle neck|polo neck|rollneck", "crew-neck": "crewneck|round neck",
    "camisole": "cami", "backpack": "rucksack|knapsack", "handbag": "purse", "beanie": "tuque",
    "trench coat": "trench|mac", "waistcoat": "suit vest", "gilet": "bodywarmer|body warmer",
    "satin silk": "silky", "lace-up": "ankle boots",
})  # fmt: skip


def kinds_of(category: str, known: Collection[str], singular_of: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the categories of a catalogue that a word takes in, the word itself first.

    Args:
        category: What was read: a category, or a word for several of them.
        known: The categories of the catalogue.
        singular_of: The singular of each of them and of the category.
    """
    name = singular_of[category]
    kinds = {name, *KINDS.get(name, ()), *KINDS.get(category, ())}

    def belongs(other: str) -> bool:
        return singular_of[other] in kinds or other in kinds or singular_of[other].endswith(f" {name}")

    own = (category,) if category in known else ()
    return (*own, *(other for other in sorted(known) if other != category and belongs(other)))
