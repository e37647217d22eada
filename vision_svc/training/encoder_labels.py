"""What the labels of the training sets mean: each names one kind of `fashion/3`, or several that it holds together."""

import zlib

# Home photos of garments (labels.csv).
PHOTO_LABELS: dict[str, tuple[str, ...]] = {
    "T-Shirt": ("t-shirt",), "Longsleeve": ("longsleeve", "sweater", "sweatshirt", "cardigan"), "Shirt": ("shirt",),
    "Blouse": ("blouse",), "Polo": ("polo",), "Top": ("top",), "Undershirt": ("tank top",), "Hoodie": ("hoodie",),
    "Body": ("body",), "Blazer": ("blazer",), "Outwear": ("jacket", "coat", "vest"), "Dress": ("dress",),
    "Pants": ("trousers", "jeans", "leggings"), "Shorts": ("shorts",), "Skirt": ("skirt",),
    "Shoes": ("shoes", "sneakers", "boots", "heels", "sandals"), "Hat": ("hat", "cap", "headwear"),
}  # fmt: skip
# Street photos with pixel masks (Clothing Co-Parsing).
MASK_LABELS: dict[str, tuple[str, ...]] = {
    "bag": ("bag",), "purse": ("bag",), "belt": ("belt",), "blazer": ("blazer",), "blouse": ("blouse",),
    "bodysuit": ("body",), "boots": ("boots",), "cape": ("coat",), "cardigan": ("cardigan",), "clogs": ("shoes",),
    "coat": ("coat",), "dress": ("dress",), "flats": ("shoes",), "hat": ("hat", "cap", "headwear"),
    "heels": ("heels",), "hoodie": ("hoodie",), "jacket": ("jacket",), "jeans": ("jeans",), "jumper": ("sweater",),
    "leggings": ("leggings",), "loafers": ("shoes",), "pants": ("trousers",), "pumps": ("heels",),
    "romper": ("jumpsuit",), "sandals": ("sandals",), "scarf": ("scarf",), "shirt": ("shirt",),
    "shoes": ("shoes", "sneakers", "boots", "heels", "sandals"), "shorts": ("shorts",), "skirt": ("skirt",),
    "sneakers": ("sneakers",), "stockings": ("leggings",), "suit": ("suit", "blazer"), "sweater": ("sweater",),
    "sweatshirt": ("sweatshirt",), "t-shirt": ("t-shirt",), "tights": ("leggings",), "top": ("top",),
    "vest": ("vest",), "wedges": ("heels",),
}  # fmt: skip
# What an outfit consists of; what covers only the legs (tights) or lies on top (scarves) is left out.
ONE_PIECE_KINDS = frozenset({"dress", "jumpsuit"})
LOWER_KINDS = frozenset({"trousers", "jeans", "shorts", "skirt"})
UPPER_KINDS = frozenset(
    {"blazer", "blouse", "body", "cardigan", "coat", "hoodie", "jacket", "shirt", "suit", "sweater", "sweatshirt"}
    | {"t-shirt", "top", "vest"}
)
# The ten classes of the accuracy figure, and the kinds that count for each.
TEN = {
    name: PHOTO_LABELS[name]
    for name in ("T-Shirt", "Longsleeve", "Shirt", "Outwear", "Dress", "Pants", "Shorts", "Skirt", "Shoes", "Hat")
}
_FOLDS = 5


def held_out(contributor: str) -> bool:
    """Tells whether a contributor (for street photos: the file's name) is on the side that is never trained on.

    One in five, by a checksum, so that everybody gets the same split without a list.
    """
    return zlib.crc32(contributor.encode()) % _FOLDS == 0
