"""From the trained parser to the file that is shipped."""

from pathlib import Path

from vision_svc.training import folding
from vision_svc.training.parser_net import ParserNet

_ABOUT = {
    "model": "pose-unet/1",
    "license": "Apache-2.0",
    "made_by": "vision_svc.training.parser",
    "architecture": "vision_svc.garments.parse_net",
}


def export(net: ParserNet, path: Path) -> None:
    """Writes the weights, float16, with batch normalisation folded in."""
    folding.save(net.eval(), path, _ABOUT)
