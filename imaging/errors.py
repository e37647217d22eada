"""What can go wrong with a picture or a model file."""

import enum
from collections.abc import Mapping


class ImageReason(enum.StrEnum):
    """Why a picture is refused; names as `vitrine.type.v1.ErrorReason` without its prefix."""

    EMPTY = "IMAGE_EMPTY"
    FORMAT_UNSUPPORTED = "IMAGE_FORMAT_UNSUPPORTED"
    CORRUPT = "IMAGE_CORRUPT"
    TOO_LARGE = "IMAGE_TOO_LARGE"
    TOO_SMALL = "IMAGE_TOO_SMALL"


class ImagingError(Exception):
    """The root of everything that this package raises."""


class ImageError(ImagingError):
    """A picture is refused.

    Attributes:
        reason: The machine-readable cause.
        description: What was expected and what came, in words; it holds nothing of the picture's content.
        metadata: Facts for the caller, such as `limit` and `actual`.
    """

    def __init__(self, reason: ImageReason, description: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{reason}: {description}")
        self.reason = reason
        self.description = description
        self.metadata = dict(metadata or {})


def corrupt_image(description: str) -> ImageError:
    """Makes the error of a picture that begins well but is cut or broken."""
    return ImageError(ImageReason.CORRUPT, description)


class ModelError(ImagingError):
    """A model cannot be used: its file is missing or is not the file that the manifest names.

    Attributes:
        model: The model's name in the manifest.
    """

    def __init__(self, model: str, description: str) -> None:
        super().__init__(f"{model}: {description}")
        self.model = model
        self.description = description


class FetchError(ImagingError):
    """The model files could not be brought here."""
