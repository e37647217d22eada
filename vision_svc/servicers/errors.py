"""Which errors of pictures and models mean what for a caller."""

from imaging.errors import ImageError, ModelError
from mesh.errors import InvalidInputError, UnavailableError, VitrineError
from mesh.status import ErrorTable
from vision_svc.garments.mask import MaskError
from vision_svc.models.registry import ModelUnavailableError

IMAGE_FIELD = "image.data"


def image_error(error: ImageError, field: str = IMAGE_FIELD) -> InvalidInputError:
    """INVALID_ARGUMENT for a picture that is refused.

    Args:
        error: Why.
        field: Path of the field that holds its bytes.
    """
    return InvalidInputError.of(field, error.description, error.reason.value, **error.metadata)


def item_error(error: Exception, index: int) -> VitrineError | None:
    """The error of one picture of a batch, which names the item's field; None for what is not the caller's fault."""
    if isinstance(error, ImageError):
        return image_error(error, f"items[{index}].image.data")
    if isinstance(error, MaskError):
        return InvalidInputError.of(f"items[{index}].mask.png", str(error))
    return None


def error_table() -> ErrorTable:
    """Returns what the mesh needs to answer for errors of this service."""
    table = ErrorTable()
    table.add(ImageError, image_error)
    table.add(MaskError, lambda error: InvalidInputError.of("mask.png", str(error)))
    table.add(ModelError, _model_error)
    table.add(ModelUnavailableError, _model_unavailable)
    return table


def _model_error(error: ModelError) -> UnavailableError:
    # Its description names paths of this host, so it stays in the log.
    return UnavailableError(f"the model {error.model} cannot be used", "MODEL_UNAVAILABLE", {"model": error.model})


def _model_unavailable(error: ModelUnavailableError) -> UnavailableError:
    metadata = {"task": error.task, "model": error.model}
    return UnavailableError(f"no model is ready for {error.task}", "MODEL_UNAVAILABLE", metadata, retry_after_s=5.0)
