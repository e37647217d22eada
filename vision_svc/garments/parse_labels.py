"""The labels of the trained parser: what each pixel can be, and what the outfit as a whole can contain."""

LABELS = (
    "background", "skin", "hair", "top", "outerwear", "trousers", "shorts", "skirt", "dress", "legwear", "shoes",
    "bag", "headwear", "belt", "scarf", "eyewear", "accessory",
)  # fmt: skip
"""One for each pixel."""

PRESENCE = (
    "dress", "outerwear", "top", "trousers", "shorts", "skirt", "bag", "headwear", "belt", "scarf", "eyewear",
    "legwear", "boots", "sandals", "heels", "jeans", "leggings", "shirt", "blouse", "t-shirt", "sweater", "vest",
    "coat", "jacket", "blazer", "jumpsuit",
)  # fmt: skip
"""What is there at all: garments that a pixel has too little to go by, and finer categories of them."""
