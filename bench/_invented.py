"""How often somebody is seen where a garment lies alone; used by `garments.py`."""

import csv
from pathlib import Path

from imaging.decode import decode_bgr
from vision_svc.garments.parse_trained import TrainedParser
from vision_svc.garments.wearer import is_worn
from vision_svc.training.encoder_labels import held_out

MAX_INVENTED = 0.02
MAX_SIDE_PX, QUICK_PHOTOS = 960, 30
# What callers get who ask for no other score.
_LEAST_SCORE = 0.3


def on_lone_garments(
    folder: Path, models: Path, *, held_out_only: bool, quick: bool
) -> tuple[dict[str, object], list[str]]:
    """Counts the photos of a folder (labels.csv and photos, nobody in them) in which somebody wears something.

    Returns:
        Figures: photos, the share in which garments are found on somebody, and the share that is embedded as an outfit
        instead of a product; and what missed its target.
    """
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if held_out(row["sender_id"]) or not held_out_only]
    rows = rows[:: -(-len(rows) // QUICK_PHOTOS)] if quick else rows
    parser, invented, worn = TrainedParser.load(models), 0, 0
    for row in rows:
        path = folder / row["file"]
        path = path if path.exists() else folder / "images" / row["file"]
        image = decode_bgr(path.read_bytes(), max_side_px=MAX_SIDE_PX)
        parsed = parser.parse(image)
        invented += any(garment.score >= _LEAST_SCORE for garment in parsed.garments)
        worn += is_worn(image, parsed)
    count = max(len(rows), 1)
    share = invented / count
    missed = [f"invented: {share:.3f} of {count} lone garments > {MAX_INVENTED}"] if share > MAX_INVENTED else []
    return {"photos": len(rows), "garments_found": round(share, 3), "taken_as_worn": round(worn / count, 3)}, missed
