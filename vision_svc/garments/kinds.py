"""The kinds of garments that `fashion/3` tells apart, and what the labels of data sets say about them."""

# Order matters: it is the order of the network's outputs and of the kind block of its vectors.
KINDS = (
    "t-shirt", "longsleeve", "shirt", "blouse", "polo", "top", "tank top", "hoodie", "sweatshirt", "sweater",
    "cardigan", "body", "vest", "blazer", "jacket", "coat", "suit", "dress", "jumpsuit", "trousers", "jeans",
    "leggings", "shorts", "skirt", "shoes", "sneakers", "boots", "heels", "sandals", "bag", "hat", "cap", "headwear",
    "scarf", "belt",
)  # fmt: skip
PATTERN_KINDS = ("plain", "striped", "checked", "dotted", "floral", "graphic")

# Words of our vocabulary that name several kinds at once.
GROUPS: dict[str, tuple[str, ...]] = {
    "outerwear": ("jacket", "coat", "vest", "blazer"),
    "headwear": ("hat", "cap", "headwear"),
    "shoes": ("shoes", "sneakers", "boots", "heels", "sandals"),
    "top": ("top", "tank top", "blouse", "t-shirt"),
    "accessory": ("bag", "hat", "cap", "headwear", "scarf", "belt"),
}
