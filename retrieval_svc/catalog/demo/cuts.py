"""The cuts that the demo shop sells, by category."""

# ruff: noqa: E501 - a table: one cut, one line

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from retrieval_svc.catalog.demo.cut import ANY, BRIGHT, DENIM, LEATHER, MUTED, NEUTRAL, SOFT, Cut

_COTTON = (("jersey", "", "cotton"), ("jersey", "organic cotton", "organic cotton"))
_WOVEN = (("woven", "", "cotton"), ("woven", "poplin", "cotton"), ("canvas", "linen", "linen"))
_KNIT = (("knit", "merino", "merino wool"), ("cable", "cable-knit", "wool"), ("knit", "cotton-knit", "cotton"))
_WOOL = (("wool", "wool", "wool"), ("wool", "wool-blend", "wool"))
_HIDE = (("leather", "leather", "leather"),)
_DENIM_CLOTH = (("denim", "denim", "cotton"),)
_TEXTILE = (("woven", "", "viscose"), ("satin", "satin", "viscose"), ("canvas", "linen", "linen"))
_EVERYDAY = (*NEUTRAL, *MUTED, *BRIGHT)
_WOMEN, _ALL = ("women",), ("women", "men", "unisex")

CUTS: Mapping[str, Sequence[Cut]] = MappingProxyType({
    "t-shirt": (
        Cut("crew-neck T-shirt", "upper", {"sleeve": "short", "neck": "crew"}, _COTTON, ANY, ("plain", "plain", "striped"), _ALL, (12, 45), tags=("casual", "summer")),
        Cut("graphic T-shirt", "upper", {"sleeve": "short", "neck": "crew"}, _COTTON, ANY, ("graphic",), _ALL, (15, 55), (0.95, 1.25), ("casual", "street")),
        Cut("V-neck T-shirt", "upper", {"sleeve": "short", "neck": "vee"}, _COTTON, ANY, ("plain",), _ALL, (12, 40), tags=("casual", "summer")),
    ),
    "longsleeve": (
        Cut("long-sleeved top", "upper", {"neck": "crew"}, _COTTON, ANY, ("plain", "striped", "striped"), _ALL, (18, 60), tags=("casual",)),
        Cut("ribbed roll-neck top", "upper", {"neck": "turtle"}, (("rib", "ribbed", "cotton"),), _EVERYDAY, ("plain",), _WOMEN, (20, 70), (0.86, 0.95), ("casual", "winter")),
    ),
    "tank top": (
        Cut("tank top", "upper", {"sleeve": "none", "neck": "strap"}, (("rib", "ribbed", "cotton"), ("jersey", "", "cotton")), ANY, ("plain", "plain", "striped"), _ALL, (9, 30), tags=("summer", "sport")),
        Cut("camisole", "upper", {"sleeve": "none", "neck": "cami"}, (("satin", "satin", "silk"),), ANY, ("plain", "plain", "floral"), _WOMEN, (19, 90), tags=("evening", "summer")),
    ),
    "polo": (
        Cut("polo shirt", "upper", {"sleeve": "short", "neck": "polo", "front": "polo", "cuff": "rib"}, (("jersey", "piqué", "cotton"),), ANY, ("plain", "plain", "striped"), ("men", "unisex"), (25, 95), tags=("smart casual",)),
    ),
    "shirt": (
        Cut("Oxford shirt", "upper", {"neck": "shirt", "front": "buttons", "hem": "curved", "cuff": "shirt", "pocket": "chest"}, _WOVEN, (*SOFT, "white", "navy", "light grey", "sage", "black"), ("plain", "plain", "striped", "checked"), _ALL, (29, 120), tags=("office", "smart casual")),
        Cut("flannel shirt", "upper", {"neck": "shirt", "front": "buttons", "hem": "curved", "cuff": "shirt", "pocket": "flap"}, (("wool", "flannel", "cotton"),), (*MUTED, "red", "navy", "grey"), ("checked",), _ALL, (29, 90), (1.0, 1.2), ("casual", "winter")),
        Cut("short-sleeved shirt", "upper", {"sleeve": "short", "neck": "shirt", "front": "buttons", "pocket": "chest"}, _WOVEN, ANY, ("plain", "floral", "striped"), ("men", "unisex"), (25, 80), (1.0, 1.2), ("summer", "holiday")),
    ),
    "blouse": (
        Cut("blouse", "upper", {"neck": "vee", "cuff": "shirt", "waist": 0.9}, _TEXTILE, ANY, ("plain", "floral", "dotted"), _WOMEN, (25, 140), tags=("office",)),
        Cut("elbow-sleeved blouse", "upper", {"sleeve": "elbow", "neck": "scoop", "waist": 0.9, "flare": 1.1}, _TEXTILE, ANY, ("plain", "floral", "dotted", "striped"), _WOMEN, (25, 110), tags=("summer", "office")),
    ),
    "sweater": (
        Cut("crew-neck jumper", "upper", {"neck": "crew", "hem": "rib", "cuff": "rib"}, _KNIT, _EVERYDAY, ("plain", "plain", "striped"), _ALL, (35, 180), tags=("winter", "casual")),
        Cut("roll-neck jumper", "upper", {"neck": "turtle", "hem": "rib", "cuff": "rib"}, _KNIT, _EVERYDAY, ("plain",), _ALL, (39, 220), (0.92, 1.2), ("winter",)),
        Cut("V-neck jumper", "upper", {"neck": "vee", "hem": "rib", "cuff": "rib"}, _KNIT, _EVERYDAY, ("plain",), _ALL, (35, 160), tags=("office", "winter")),
    ),
    "cardigan": (
        Cut("cardigan", "upper", {"neck": "vee", "front": "open", "hem": "rib", "cuff": "rib", "pocket": "patch", "button": "brown"}, _KNIT, _EVERYDAY, ("plain", "plain", "striped"), _ALL, (39, 190), tags=("winter", "casual")),
    ),
    "hoodie": (
        Cut("hoodie", "upper", {"neck": "hood", "hem": "rib", "cuff": "rib", "pocket": "kangaroo", "accent": True}, _COTTON, ANY, ("plain",), _ALL, (29, 110), (1.0, 1.3), ("casual", "sport")),
        Cut("zip hoodie", "upper", {"neck": "hood", "front": "zip", "hem": "rib", "cuff": "rib", "pocket": "slit", "accent": True}, _COTTON, ANY, ("plain",), _ALL, (35, 120), (1.0, 1.25), ("casual", "sport")),
    ),
    "sweatshirt": (
        Cut("sweatshirt", "upper", {"neck": "crew", "hem": "rib", "cuff": "rib"}, _COTTON, ANY, ("plain", "graphic"), _ALL, (25, 95), (1.0, 1.3), ("casual", "sport")),
    ),
    "blazer": (
        Cut("single-breasted blazer", "upper", {"neck": "lapel", "front": "single", "pocket": "welt", "waist": 0.9}, (*_WOOL, ("canvas", "linen", "linen")), (*NEUTRAL, *MUTED), ("plain", "plain", "checked", "striped"), ("women", "men"), (79, 420), (0.92, 1.05), ("office", "formal")),
        Cut("double-breasted blazer", "upper", {"neck": "lapel", "front": "double", "pocket": "welt", "waist": 0.9, "button": "mustard"}, _WOOL, (*NEUTRAL, "emerald", "burgundy", "red"), ("plain", "plain", "checked"), ("women", "men"), (89, 480), (0.95, 1.15), ("office", "formal")),
    ),
    "jacket": (
        Cut("denim jacket", "upper", {"length": 0.85, "neck": "shirt", "front": "buttons", "pocket": "flap", "cuff": "shirt", "yoke": True, "button": "mustard", "topstitch": True}, _DENIM_CLOTH, DENIM, ("plain",), _ALL, (49, 180), (0.95, 1.2), ("casual",)),
        Cut("biker jacket", "upper", {"length": 0.82, "neck": "lapel", "front": "zip", "pocket": "slit"}, _HIDE, LEATHER, ("plain",), _ALL, (120, 690), tags=("street", "evening")),
        Cut("bomber jacket", "upper", {"length": 0.84, "neck": "stand", "front": "zip", "hem": "rib", "cuff": "rib", "pocket": "slit"}, (("satin", "", "nylon"), ("woven", "", "nylon")), (*MUTED, "black", "navy", "charcoal", "orange"), ("plain",), _ALL, (49, 240), (1.05, 1.25), ("street",)),
        Cut("puffer jacket", "upper", {"length": 0.9, "neck": "stand", "front": "zip", "quilted": True}, (("satin", "padded", "nylon"),), ANY, ("plain",), _ALL, (69, 380), (1.15, 1.35), ("winter", "outdoor")),
        Cut("corduroy overshirt", "upper", {"neck": "shirt", "front": "buttons", "pocket": "flap", "cuff": "shirt", "button": "brown"}, (("corduroy", "corduroy", "cotton"),), (*MUTED, "brown", "camel", "navy", "stone"), ("plain",), _ALL, (59, 180), (1.05, 1.2), ("casual", "autumn")),
    ),
    "vest": (
        Cut("padded gilet", "upper", {"length": 0.9, "sleeve": "none", "neck": "stand", "front": "zip", "quilted": True}, (("satin", "padded", "nylon"),), _EVERYDAY, ("plain",), _ALL, (49, 220), (1.05, 1.2), ("outdoor", "autumn")),
        Cut("tailored waistcoat", "upper", {"length": 0.72, "sleeve": "none", "neck": "vee", "front": "buttons", "pocket": "welt", "button": "black", "waist": 0.88}, _WOOL, (*NEUTRAL, "burgundy", "forest green"), ("plain", "checked"), ("women", "men"), (45, 190), (0.88, 0.96), ("formal", "office")),
    ),
    "coat": (
        Cut("wool coat", "upper", {"length": 1.33, "neck": "lapel", "front": "double", "pocket": "welt", "flare": 1.1}, _WOOL, (*NEUTRAL, *MUTED, "red", "royal blue"), ("plain", "plain", "checked"), ("women", "men"), (129, 690), (1.0, 1.2), ("winter", "formal")),
        Cut("trench coat", "upper", {"length": 1.33, "neck": "lapel", "front": "double", "pocket": "slit", "belt": True, "waist": 0.86, "flare": 1.22}, (("woven", "gabardine", "cotton"),), ("beige", "khaki", "navy", "black", "stone", "olive", "camel", "light pink"), ("plain",), ("women", "men"), (119, 590), (1.0, 1.15), ("autumn", "office")),
        Cut("raincoat", "upper", {"length": 1.2, "neck": "hood", "front": "zip", "pocket": "welt", "flare": 1.12}, (("satin", "waterproof", "polyester"),), (*BRIGHT, "navy", "olive", "mustard", "black"), ("plain",), _ALL, (59, 260), (1.1, 1.25), ("outdoor", "rain")),
    ),
    "trousers": (
        Cut("tailored trousers", "lower", {"leg": "straight", "crease": True}, _WOOL, (*NEUTRAL, "burgundy", "forest green", "teal"), ("plain", "plain", "striped", "checked"), ("women", "men"), (49, 240), (0.92, 1.05), ("office", "formal")),
        Cut("chinos", "lower", {"leg": "taper", "cuffed": True}, (("woven", "twill", "cotton"),), ("khaki", "beige", "navy", "olive", "stone", "rust", "black", "burgundy", "sage"), ("plain",), ("men", "unisex"), (35, 130), tags=("smart casual",)),
        Cut("wide-leg trousers", "lower", {"leg": "wide", "crease": True}, _TEXTILE, ANY, ("plain", "plain", "striped"), _WOMEN, (39, 190), (0.95, 1.1), ("office", "summer")),
        Cut("cargo trousers", "lower", {"leg": "straight", "pocket": "cargo"}, (("canvas", "ripstop", "cotton"),), (*MUTED, "black", "beige", "charcoal"), ("plain",), _ALL, (39, 140), (1.1, 1.25), ("street", "outdoor")),
        Cut("joggers", "lower", {"leg": "taper", "band": "elastic", "accent": True}, _COTTON, ANY, ("plain",), _ALL, (25, 90), (1.0, 1.2), ("sport", "casual")),
    ),
    "jeans": (
        Cut("skinny jeans", "lower", {"leg": "slim", "pocket": "jeans", "topstitch": True}, _DENIM_CLOTH, DENIM, ("plain",), ("women", "men"), (39, 150), (0.88, 0.97), ("casual",)),
        Cut("straight jeans", "lower", {"leg": "straight", "pocket": "jeans", "topstitch": True}, _DENIM_CLOTH, DENIM, ("plain",), _ALL, (45, 180), (0.95, 1.1), ("casual",)),
        Cut("wide-leg jeans", "lower", {"leg": "wide", "pocket": "jeans", "topstitch": True}, _DENIM_CLOTH, DENIM, ("plain",), _ALL, (45, 170), (1.0, 1.15), ("casual", "street")),
        Cut("flared jeans", "lower", {"leg": "flare", "pocket": "jeans", "topstitch": True}, _DENIM_CLOTH, DENIM, ("plain",), _WOMEN, (45, 160), (0.9, 1.0), ("casual",)),
    ),
    "leggings": (
        Cut("leggings", "lower", {"leg": "skinny", "band": "elastic", "pocket": "none"}, (("jersey", "stretch", "polyester"),), (*NEUTRAL, *BRIGHT, "plum", "teal"), ("plain",), _WOMEN, (15, 80), (0.84, 0.92), ("sport",)),
    ),
    "shorts": (
        Cut("chino shorts", "lower", {"length": 0.36}, (("woven", "twill", "cotton"), ("canvas", "linen", "linen")), ANY, ("plain", "plain", "striped"), _ALL, (19, 80), tags=("summer", "holiday")),
        Cut("denim shorts", "lower", {"length": 0.25, "pocket": "jeans", "cuffed": True, "topstitch": True}, _DENIM_CLOTH, DENIM, ("plain",), _ALL, (25, 80), tags=("summer", "casual")),
        Cut("sports shorts", "lower", {"length": 0.28, "band": "elastic", "pocket": "none", "accent": True}, (("satin", "light", "polyester"),), ANY, ("plain",), _ALL, (15, 60), (1.0, 1.15), ("sport", "summer")),
    ),
    "skirt": (
        Cut("midi skirt", "skirt", {"length": 0.8, "flare": 1.6}, _TEXTILE, ANY, ("plain", "floral", "dotted"), _WOMEN, (29, 150), tags=("summer", "office")),
        Cut("pleated skirt", "skirt", {"length": 0.55, "flare": 1.5, "pleats": 14}, (("woven", "", "polyester"), ("wool", "wool", "wool")), _EVERYDAY, ("plain", "checked"), _WOMEN, (35, 160), tags=("autumn", "office")),
        Cut("pencil skirt", "skirt", {"length": 0.62, "flare": 1.0, "slit": True}, (*_WOOL, ("leather", "leather", "leather")), (*NEUTRAL, *MUTED), ("plain", "plain", "checked"), _WOMEN, (35, 190), tags=("office", "formal")),
        Cut("denim mini skirt", "skirt", {"length": 0.38, "flare": 1.2, "front": "buttons", "button": "mustard"}, (*_DENIM_CLOTH, ("corduroy", "corduroy", "cotton")), (*DENIM, "rust", "camel", "olive"), ("plain",), _WOMEN, (25, 90), tags=("casual",)),
    ),
    "dress": (
        Cut("tea dress", "dress", {"length": 0.72, "flare": 1.6, "sleeve": "short", "neck": "vee"}, _TEXTILE, ANY, ("floral", "floral", "dotted", "plain"), _WOMEN, (39, 190), (0.9, 1.0), ("summer", "party")),
        Cut("slip dress", "dress", {"length": 0.85, "flare": 1.35, "sleeve": "none", "neck": "cami"}, (("satin", "satin", "silk"),), ANY, ("plain", "plain", "floral"), _WOMEN, (45, 320), (0.88, 0.98), ("evening", "party")),
        Cut("shirt dress", "dress", {"length": 0.66, "flare": 1.45, "neck": "shirt", "bodice": "buttons", "cuff": "shirt", "sash": "yes"}, _WOVEN, ANY, ("plain", "striped", "checked"), _WOMEN, (45, 170), (0.92, 1.05), ("office", "summer")),
        Cut("knitted dress", "dress", {"length": 0.6, "flare": 1.0, "neck": "crew", "cuff": "rib"}, _KNIT, _EVERYDAY, ("plain",), _WOMEN, (49, 220), (0.88, 0.97), ("winter", "office")),
        Cut("skater dress", "dress", {"length": 0.52, "flare": 1.85, "sleeve": "elbow", "neck": "scoop"}, _COTTON, ANY, ("plain", "dotted", "striped"), _WOMEN, (29, 110), (0.9, 1.0), ("party", "summer")),
    ),
    "jumpsuit": (
        Cut("jumpsuit", "jumpsuit", {"sleeve": "short", "neck": "shirt", "front": "buttons", "leg": "wide"}, _TEXTILE, _EVERYDAY, ("plain", "plain", "striped"), _WOMEN, (49, 210), (0.92, 1.02), ("office", "party")),
        Cut("sleeveless jumpsuit", "jumpsuit", {"sleeve": "none", "neck": "vee", "leg": "straight"}, _TEXTILE, _EVERYDAY, ("plain", "floral"), _WOMEN, (45, 180), (0.9, 1.0), ("evening", "summer")),
    ),
    "sneakers": (
        Cut("low-top sneakers", "shoe", {"type": "sneaker", "accent": True}, (*_HIDE, ("canvas", "canvas", "cotton")), (*NEUTRAL, *BRIGHT, *SOFT), ("plain",), _ALL, (49, 190), tags=("casual", "street")),
        Cut("running shoes", "shoe", {"type": "runner", "accent": True}, (("canvas", "mesh", "polyester"),), (*BRIGHT, *NEUTRAL), ("plain",), _ALL, (59, 210), tags=("sport",)),
    ),
    "shoes": (
        Cut("Oxford shoes", "shoe", {"type": "oxford"}, _HIDE, LEATHER, ("plain",), ("men", "women"), (89, 420), tags=("formal", "office")),
        Cut("loafers", "shoe", {"type": "loafer"}, (*_HIDE, ("wool", "suede", "suede")), (*LEATHER, "forest green"), ("plain",), ("women", "men"), (79, 380), tags=("smart casual", "office")),
        Cut("ballet flats", "shoe", {"type": "ballerina"}, (*_HIDE, ("satin", "satin", "viscose")), (*LEATHER, "pink", "red", "light pink", "emerald"), ("plain",), _WOMEN, (39, 220), tags=("office", "summer")),
    ),
    "boots": (
        Cut("Chelsea boots", "shoe", {"type": "chelsea"}, (*_HIDE, ("wool", "suede", "suede")), LEATHER, ("plain",), _ALL, (89, 360), tags=("autumn", "smart casual")),
        Cut("lace-up boots", "shoe", {"type": "lace_boot", "lace": "black"}, _HIDE, (*LEATHER, "olive", "red"), ("plain",), _ALL, (99, 320), tags=("outdoor", "winter")),
        Cut("knee-high boots", "shoe", {"type": "tall_boot"}, (*_HIDE, ("wool", "suede", "suede")), LEATHER, ("plain",), _WOMEN, (119, 520), tags=("winter",)),
    ),
    "heels": (
        Cut("pumps", "shoe", {"type": "heel"}, (*_HIDE, ("satin", "satin", "viscose")), (*LEATHER, "red", "pink", "emerald", "royal blue", "beige"), ("plain",), _WOMEN, (59, 490), tags=("evening", "formal")),
    ),
    "sandals": (
        Cut("strappy sandals", "shoe", {"type": "sandal"}, _HIDE, (*LEATHER, "red", "yellow", "turquoise"), ("plain",), ("women", "unisex"), (29, 190), tags=("summer", "holiday")),
    ),
    "bag": (
        Cut("tote bag", "bag", {"type": "tote"}, (("canvas", "canvas", "cotton"), *_HIDE), ANY, ("plain", "graphic", "striped"), ("women", "unisex"), (15, 220), tags=("everyday",)),
        Cut("handbag", "bag", {"type": "handbag"}, _HIDE, (*LEATHER, "red", "forest green", "beige"), ("plain",), _WOMEN, (69, 590), tags=("office", "evening")),
        Cut("backpack", "bag", {"type": "backpack"}, (("canvas", "canvas", "cotton"), *_HIDE), ANY, ("plain",), _ALL, (35, 260), tags=("travel", "everyday")),
        Cut("crossbody bag", "bag", {"type": "crossbody"}, _HIDE, (*LEATHER, "pink", "mint", "mustard"), ("plain",), _WOMEN, (39, 320), tags=("everyday",)),
        Cut("clutch", "bag", {"type": "clutch"}, (("satin", "satin", "viscose"), *_HIDE), ANY, ("plain",), _WOMEN, (29, 260), tags=("evening", "party")),
    ),
    "headwear": (
        Cut("beanie", "headwear", {"type": "beanie"}, (("rib", "ribbed", "wool"), ("knit", "merino", "merino wool")), ANY, ("plain", "plain", "striped"), _ALL, (12, 70), tags=("winter",)),
        Cut("bobble hat", "headwear", {"type": "beanie", "pompom": True, "accent": True}, (("cable", "cable-knit", "wool"),), ANY, ("plain",), _ALL, (15, 60), tags=("winter",)),
    ),
    "cap": (
        Cut("baseball cap", "headwear", {"type": "cap", "accent": True}, (("canvas", "twill", "cotton"),), ANY, ("plain",), _ALL, (15, 60), tags=("sport", "summer")),
    ),
    "hat": (
        Cut("fedora", "headwear", {"type": "fedora", "accent": True}, (("wool", "felt", "wool"), ("canvas", "straw", "straw")), (*NEUTRAL, "burgundy", "forest green"), ("plain",), _ALL, (29, 160), tags=("summer", "formal")),
        Cut("bucket hat", "headwear", {"type": "bucket"}, (("canvas", "canvas", "cotton"), ("denim", "denim", "cotton")), ANY, ("plain", "checked", "floral"), _ALL, (15, 70), tags=("summer", "street")),
    ),
    "scarf": (
        Cut("scarf", "scarf", {}, (("wool", "wool", "wool"), ("knit", "cashmere", "cashmere")), ANY, ("plain", "checked", "striped", "dotted"), _ALL, (19, 180), tags=("winter",)),
    ),
    "belt": (
        Cut("belt", "belt", {}, (*_HIDE, ("wool", "suede", "suede")), LEATHER, ("plain",), _ALL, (19, 120), tags=("smart casual",)),
    ),
})  # fmt: skip
