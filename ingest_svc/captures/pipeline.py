"""From a blurred picture to garments, products and a move of the taste: one use case for captures and streams."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from vitrine.profile.v1 import taste_pb2
from vitrine.type.v1 import model_pb2

from ingest_svc.captures.outfit import Analysis, FaceBox, OutfitInput, OutfitOutcome
from ingest_svc.captures.search import ProductSearch
from mesh import errors

MATCHES = "matches"
TASTE = "taste"
PERSONAL = "personal"
MODELS = "models"

# Failures that pass: the same call may succeed later. Everything else would fail again.
TRANSIENT = (errors.UnavailableError, errors.DeadlineExceededError, errors.ResourceExhaustedError, errors.AbortedError)


class Vision(Protocol):
    """Sees garments; `ingest_svc.clients.vision` implements it."""

    async def analyze(self, image_jpeg: bytes, face_boxes: Sequence[FaceBox], *, deadline_s: float) -> Analysis:
        """Finds the garments in a picture.

        Args:
            image_jpeg: The blurred picture.
            face_boxes: Where faces were blurred, shares of width and height.
            deadline_s: Time limit in seconds.

        Raises:
            VitrineError: As the service answered.
        """


class Profile(Protocol):
    """Keeps the taste; `ingest_svc.clients.profile` implements it."""

    async def record(self, seen: OutfitInput, analysis: Analysis, *, deadline_s: float) -> taste_pb2.TasteChange:
        """Records a sighting once, however often it is called with the same event id.

        Args:
            seen: Whose picture, when, and the event id.
            analysis: What was seen in it.
            deadline_s: Time limit in seconds.

        Raises:
            VitrineError: As the service answered.
        """


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Time limits of the calls, in seconds."""

    analyze_s: float = 15.0
    record_s: float = 5.0


class OutfitPipeline:
    """Asks vision, retrieval (ranked for the user) and profile in turn, each with its own deadline.

    The three steps can be called one by one (the worker does, because it keeps score between them), or all at once by
    `run`. Nothing is stored here, and no picture leaves but to vision.
    """

    def __init__(
        self, vision: Vision, search: ProductSearch, profile: Profile, deadlines: Deadlines | None = None
    ) -> None:
        self._vision = vision
        self._search = search
        self._profile = profile
        self._deadlines = deadlines or Deadlines()

    async def analyze(self, seen: OutfitInput) -> OutfitOutcome:
        """First step: what is worn.

        Raises:
            VitrineError: When vision does not answer, or refuses the picture. Without it there is no outcome.
        """
        analysis = await self._vision.analyze(seen.image_jpeg, seen.face_boxes, deadline_s=self._deadlines.analyze_s)
        return _with_models(OutfitOutcome(analysis), analysis.models)

    async def match(self, seen: OutfitInput, outcome: OutfitOutcome) -> OutfitOutcome:
        """Second step: what is like it, ranked for the user. Without garments or without `max_matches` it does nothing.

        Raises:
            VitrineError: When retrieval does not answer.
        """
        garments = [garment for garment in outcome.analysis.garments if garment.HasField("embedding")]
        if not garments or not seen.max_matches:
            return outcome
        found = await self._search.find(seen, garments)
        if found.impersonal is not None:
            outcome = without(outcome, PERSONAL, found.impersonal)
        outcome = replace(
            outcome,
            matches=found.matches.garments,
            used_context=found.used_context,
            unused_context=found.matches.unused_context,
        )
        return _with_models(outcome, found.matches.models)

    async def record(self, seen: OutfitInput, outcome: OutfitOutcome) -> OutfitOutcome:
        """Third step: what it says about the user. Without garments or without leave to record it does nothing.

        A user who has not consented to learning has no taste event, and that is no failure.

        Raises:
            VitrineError: When the profile does not answer.
        """
        if not seen.record_taste or not outcome.analysis.garments:
            return outcome
        try:
            change = await self._profile.record(seen, outcome.analysis, deadline_s=self._deadlines.record_s)
        except errors.FailedPreconditionError as error:
            if error.reason == "CONSENT_MISSING":
                return outcome
            raise
        return replace(outcome, taste_change=change)

    async def run(self, seen: OutfitInput) -> OutfitOutcome:
        """All three steps; products and taste are left out, and said to be, where their service fails.

        Args:
            seen: The picture.

        Returns:
            What came out, with `degraded_parts` and `failures` for what did not.

        Raises:
            VitrineError: When vision does not answer, or refuses the picture.
        """
        outcome = await self.analyze(seen)
        outcome = await self._tolerant(outcome, MATCHES, lambda: self.match(seen, outcome))
        matched = outcome
        return await self._tolerant(matched, TASTE, lambda: self.record(seen, matched))

    async def _tolerant(
        self, outcome: OutfitOutcome, part: str, step: Callable[[], Awaitable[OutfitOutcome]]
    ) -> OutfitOutcome:
        try:
            return await step()
        except errors.VitrineError as error:
            return without(outcome, part, error)


def without(outcome: OutfitOutcome, part: str, error: errors.VitrineError) -> OutfitOutcome:
    """Returns the outcome with one part said to be missing.

    Args:
        outcome: What came out so far.
        part: ``matches``, ``taste`` or ``personal``.
        error: Why it is missing.
    """
    return replace(
        outcome,
        degraded_parts=(*outcome.degraded_parts, part),
        failures=(*outcome.failures, error),
    )


def _with_models(outcome: OutfitOutcome, models: Sequence[model_pb2.ModelUse]) -> OutfitOutcome:
    parts = outcome.degraded_parts
    if MODELS not in parts and any(model.degraded for model in models):
        parts = (*parts, MODELS)
    return replace(outcome, models=(*outcome.models, *models), degraded_parts=parts)
