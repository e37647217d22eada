"""A picture at which the vision service fails must not keep the other pictures of its batch back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import cv2
import numpy as np

from mesh.errors import InternalError
from retrieval_svc.catalog.encoder import Embedded, FailedPicture, RefusedPicture, Vector

Answer = Vector | RefusedPicture | InternalError
Ask = Callable[[Sequence[bytes]], Awaitable[list[Answer]]]


async def with_faults_alone(ask: Ask, pictures: Sequence[bytes]) -> list[Embedded]:
    """Embeds a batch; what fails is asked once more, alone, and is then known to fail.

    Only where vision answers for something: one that fails at everything is broken itself, and says nothing about any
    picture.

    Args:
        ask: Embeds a batch; an InternalError that it raises is about all of it, one that it returns about a picture.
        pictures: Encoded pictures.

    Returns:
        One for each picture, in their order.

    Raises:
        InternalError: When vision fails at everything.
        VitrineError: When it does not answer.
    """
    answers = await _asked(ask, pictures)
    if answers and all(isinstance(answer, InternalError) for answer in answers):
        (control,) = await _asked(ask, [_control()])
        if isinstance(control, InternalError):
            raise control
    results: list[Embedded] = []
    for picture, first in zip(pictures, answers, strict=True):
        answer = (await _asked(ask, [picture]))[0] if isinstance(first, InternalError) else first
        results.append(FailedPicture(answer.reason, answer.message) if isinstance(answer, InternalError) else answer)
    return results


async def _asked(ask: Ask, pictures: Sequence[bytes]) -> list[Answer]:
    try:
        return await ask(pictures)
    except InternalError as error:
        return [error] * len(pictures)


def _control() -> bytes:
    """A picture that every vision service can say something about: a grey square on white, as JPEG."""
    image = np.full((160, 160, 3), 255, np.uint8)
    image[40:120, 40:120] = 96
    return bytes(cv2.imencode(".jpg", image)[1])
