"""The model files that come from outside: name, file, checksum, source, licence."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from imaging.errors import ModelError

MEDIAPIPE_PACKAGE = "mediapipe"
MEDIAPIPE_VERSION = "0.10.21"


@dataclass(frozen=True)
class ModelFile:
    """One model file.

    Attributes:
        name: How code asks for it.
        member: Its path inside the source archive.
        sha256: Checksum of the file, lower-case hexadecimal.
        size_bytes: Size of the file.
        source: The package and version it is taken from.
        licence: SPDX identifier.
    """

    name: str
    member: str
    sha256: str
    size_bytes: int
    source: str = f"{MEDIAPIPE_PACKAGE}=={MEDIAPIPE_VERSION}"
    licence: str = "Apache-2.0"

    @property
    def file(self) -> str:
        """The file's name in the models folder."""
        return self.member.rpartition("/")[2]


def _mediapipe(module: str, name: str, size_bytes: int, sha256: str) -> ModelFile:
    return ModelFile(name, f"mediapipe/modules/{module}/{name}.tflite", sha256, size_bytes)


MANIFEST: tuple[ModelFile, ...] = (
    _mediapipe(
        "face_detection",
        "face_detection_full_range_sparse",
        676_746,
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    ),
    _mediapipe(
        "face_detection",
        "face_detection_short_range",
        229_714,
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    ),
    _mediapipe(
        "face_landmark",
        "face_landmark",
        1_242_398,
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    ),
    _mediapipe(
        "face_landmark",
        "face_landmark_with_attention",
        2_495_106,
        "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
    ),
    _mediapipe(
        "hand_landmark",
        "hand_landmark_full",
        5_478_917,
        "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
    ),
    _mediapipe(
        "hand_landmark",
        "hand_landmark_lite",
        2_071_597,
        "048edd3645c9bf7397d19a9f6e3a42957d6e414c9bea6598030a2e9b624156e6",
    ),
    _mediapipe(
        "iris_landmark",
        "iris_landmark",
        2_640_568,
        "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    ),
    _mediapipe(
        "palm_detection",
        "palm_detection_full",
        2_339_846,
        "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
    ),
    _mediapipe(
        "palm_detection",
        "palm_detection_lite",
        1_985_440,
        "e9a4aaddf90dda56a87235303cf00e4c2d3fb28725f68fd88772997dac905c18",
    ),
    _mediapipe(
        "pose_detection",
        "pose_detection",
        2_959_046,
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    ),
    _mediapipe(
        "pose_landmark",
        "pose_landmark_full",
        6_440_512,
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    ),
    _mediapipe(
        "selfie_segmentation",
        "selfie_segmentation",
        249_505,
        "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    ),
    _mediapipe(
        "selfie_segmentation",
        "selfie_segmentation_landscape",
        250_145,
        "a77d03f4659b9f6b6c1f5106947bf40e99d7655094b6527f214ea7d451106edd",
    ),
)

_BY_NAME = {model.name: model for model in MANIFEST}


def find(name: str) -> ModelFile:
    """Returns the manifest's entry for `name`.

    Raises:
        ModelError: The manifest has no such model.
    """
    if name not in _BY_NAME:
        raise ModelError(name, f"the manifest has no such model; it has {', '.join(sorted(_BY_NAME))}")
    return _BY_NAME[name]


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file, lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified_path(name: str, models_dir: Path) -> Path:
    """Finds a model's file and checks that it is the one the manifest means.

    Args:
        name: The model's name in the manifest.
        models_dir: The models folder.

    Returns:
        The path of the file.

    Raises:
        ModelError: The file is missing or its checksum is another.
    """
    model = find(name)
    path = models_dir / model.file
    if not path.is_file():
        raise ModelError(name, f"{path} is missing; run `python -m imaging.models.fetch --dir {models_dir}`")
    if (actual := sha256_of(path)) != model.sha256:
        raise ModelError(name, f"{path} is damaged: expected sha256 {model.sha256}, got {actual}")
    return path
