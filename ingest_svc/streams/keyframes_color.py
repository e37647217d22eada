"""When what people wear has changed: the rule of mode `color`.

A frame is compared with a reference, at first the last keyframe, after light and camera are accounted for. Where cells
differ and their colours have not just moved within the place, something new is there: a hit.

A hit counts when the next frames show it too. One that stands out at once, right after a frame without it, needs a
tenth of a second: nobody walks so fast. One that was there when looking began, or grew, must also stand still: else it
is a motion of which the beginning was not seen. Of a whole new scene the first is enough. What is new within the
minimum interval between keyframes is owed: it counts after it, if it is still there.

What is explained moves the reference along, so that a long pan or a walk through the picture is a chain of short steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest_svc.streams.similarity_color import Box, ColorReference, moved_count
from ingest_svc.streams.similarity_difference import Difference, compared
from ingest_svc.streams.similarity_light import ColorImage, Light
from ingest_svc.streams.similarity_noise import noise_level
from ingest_svc.streams.similarity_places import entering, overlapping, places

# How much of noise the tolerance grows with, and how much of it is believed, in levels.
_NOISE_SHARE, _MAX_NOISE = 3.0, 6.0
_NOISE_MEMORY = 0.9
# With so much of the picture differing, whatever the colours, the scene is another.
_SCENE_SHARE = 0.45
# New colours on so much of the picture are a new scene as well, moving or not.
_MASSIVE_SHARE = 0.2
# A place is new when so much of what differs there has new colours...
_NEW_SHARE = 0.1
# ...or so much, where it then stands still: a colour like the one before it.
_LIKE_SHARE = 0.05
# ...and the more of the picture is in motion, the more must be new.
_BUSY_SHARE = 0.05
# Below this part of what makes a hit, the frame counts as explained.
_EXPLAINED = 0.5
# The reference follows what is explained after this time, or at once when much has moved; in the end always.
_FOLLOW_S, _FOLLOW_SHARE, _FOLLOW_AT_LAST_S = 0.2, 0.06, 2.0
# A hit is sudden when it comes so soon after a frame with at most two thirds of it.
_SUDDEN_S, _SUDDEN_TIMES = 0.35, 1.5
# ...and the last look, whatever the reference is, shows so much of it to be new.
_STEP_SHARE = 0.5
_CONFIRM_S, _CONFIRM_SLOWLY_S = 0.1, 0.24
# Of what is there when looking begins, so little may move.
_STILL_SHARE = 0.03
# How often one looks while nothing is new, and within the minimum interval: between those looks people move far.
_LOOK_S, _EARLY_LOOK_S = 0.12, 0.33
# Frames further apart than this are not waited for twice: a second one would come too late.
_SPARSE_S = 0.3


@dataclass(frozen=True, slots=True)
class Sight:
    """What was found in one frame.

    Attributes:
        is_new: Whether something new has been seen long enough.
        changed_area: The largest place with new colours, as a share of the picture.
    """

    is_new: bool
    changed_area: float = 0.0


@dataclass(frozen=True, slots=True)
class _Hit:
    """A place with new colours: where, since when, and how the frame looked."""

    box: Box
    time_s: float
    sudden: bool
    bgr: ColorImage


@dataclass(frozen=True, slots=True)
class _Found:
    """The most of new colours in one place, in cells; the place that is a hit, and how many of its cells differ."""

    novelty: float
    box: Box | None
    own: int


class ColorWatch:
    """Watches one stream. `seen_at` is told of every frame, `look` is given those that may be keyframes."""

    def __init__(self, tolerance: float, least_area: float) -> None:
        """Sets how much a change must be.

        Args:
            tolerance: Share of full scale by which equal colours may differ in a channel.
            least_area: Share of the picture that must have new colours.
        """
        self.tolerance = tolerance
        self.least_area = least_area
        self._noise = 1.0
        self._last_seen_s: float | None = None
        self._frame_s = 0.0
        self._light: Light | None = None
        self._hit: _Hit | None = None
        self._owed: Box | None = None
        self._clear_s, self._clear_novelty = 0.0, 0.0

    def is_due(self, time_s: float, min_interval_s: float, *, early: bool) -> bool:
        """Tells whether a frame is worth a look: nobody changes clothes within an eighth of a second.

        All are while something new waits to be confirmed; few are before any can be a keyframe.

        Args:
            time_s: When it was taken.
            min_interval_s: The least time between two keyframes; who wants them faster gets more looks.
            early: Whether it was taken within that time.
        """
        since_s = time_s - self._before_s
        if early:
            return since_s >= _EARLY_LOOK_S - 1e-3
        return self._hit is not None or self._owed is not None or since_s >= min(_LOOK_S, min_interval_s) - 1e-3

    def seen_at(self, time_s: float) -> None:
        """Notes that a frame was taken then, looked at or not."""
        if self._last_seen_s is not None and time_s > self._last_seen_s:
            apart_s = time_s - self._last_seen_s
            # A stall is not a slow camera.
            self._frame_s = min(apart_s, 1.5 * self._frame_s + 0.05) if self._frame_s else apart_s
        self._last_seen_s = time_s

    def begin(self, bgr: ColorImage, time_s: float) -> None:
        """Takes a frame as the new reference, for example a keyframe.

        Args:
            bgr: uint8 `(H, W, 3)`; it is kept.
            time_s: When it was taken.
        """
        self._follow(bgr, time_s)
        self._before, self._last_look, self._before_s = bgr, bgr, time_s
        self._explained(time_s)

    def look(self, bgr: ColorImage, time_s: float, *, early: bool = False) -> Sight:
        """Judges a frame; `begin` must have been called.

        Args:
            bgr: uint8 `(H, W, 3)`, of the reference's shape; it may be kept.
            time_s: When it was taken.
            early: Whether within the minimum interval.
        """
        self._measure_noise(bgr, time_s)
        least = self.least_area * bgr.shape[0] * bgr.shape[1]
        seen = self._light.applied(bgr, self._reference.bgr) if self._light else bgr
        new = self._reference.new_count(seen)
        if new < 0.5 * least:
            self._explained(time_s)
            return Sight(is_new=False)
        difference = compared(self._reference, bgr, seen, new, self._light)
        self._light = difference.light
        found = _newest(self._reference, difference, least, self._hit.box if self._hit else None)
        is_new = self._weigh(bgr, time_s, difference, least, found, early=early)
        area = found.novelty / (bgr.shape[0] * bgr.shape[1])
        return Sight(self._settled(is_new, found.box, early=early), min(area, 1.0))

    def _settled(self, is_new: bool, box: Box | None, *, early: bool) -> bool:
        owed, self._owed = self._owed, None
        if early:
            self._owed = box if is_new else owed
            return False
        return is_new or (owed is not None and box is not None and overlapping(owed, box))

    def _weigh(
        self, bgr: ColorImage, time_s: float, difference: Difference, least: float, found: _Found, *, early: bool
    ) -> bool:
        box, novelty = found.box, found.novelty
        if box is None:
            self._pass(bgr, time_s, difference, least, novelty)
            return False
        if self._frame_s > _SPARSE_S or novelty > _MASSIVE_SHARE * difference.mask.size:
            return True
        if self._hit is None or not overlapping(self._hit.box, box):
            clear = novelty >= _NEW_SHARE * found.own or found.own > _SCENE_SHARE * difference.mask.size
            sudden = clear and not early and self._is_sudden(bgr, time_s, found, box, least)
            self._hit = _Hit(box, time_s, sudden, bgr)
            return False
        return self._confirm(self._hit, bgr, time_s, found.own)

    def _is_sudden(self, bgr: ColorImage, time_s: float, found: _Found, box: Box, least: float) -> bool:
        """Whether most of a hit has come since the last look, and not from the side: then it is no motion."""
        since_s = time_s - self._clear_s
        grown = found.novelty < _SUDDEN_TIMES * self._clear_novelty
        if grown or since_s > _SUDDEN_S or entering(box, bgr.shape[1], since_s):
            return False
        last = ColorReference(self._last_look, self._reference.tolerance)
        step = _newest(last, compared(last, bgr, bgr, last.new_count(bgr), None), least, box)
        return step.box is not None and step.novelty >= _STEP_SHARE * found.novelty and overlapping(step.box, box)

    def _pass(self, bgr: ColorImage, time_s: float, difference: Difference, least: float, novelty: float) -> None:
        """Goes on after a frame without a hit; the reference follows what is explained."""
        age_s, share = time_s - self._reference_s, difference.count / difference.mask.size
        explained = novelty < _EXPLAINED * (least + _BUSY_SHARE * difference.count)
        if (explained and (age_s >= _FOLLOW_S or share > _FOLLOW_SHARE)) or age_s > _FOLLOW_AT_LAST_S:
            self._follow(bgr, time_s)
            novelty = 0.0
        self._explained(time_s, novelty)

    def _confirm(self, hit: _Hit, bgr: ColorImage, time_s: float, own: int) -> bool:
        # Times of frames are rounded; a tenth of a second at 10 fps is one frame.
        if time_s - hit.time_s < (_CONFIRM_S if hit.sudden else _CONFIRM_SLOWLY_S) - 1e-3:
            return False
        if hit.sudden or moved_count(hit.bgr, bgr, hit.box, self._reference.tolerance) < _STILL_SHARE * own:
            return True
        # It moves: what it was when it was first seen is the reference now, so that a change since then is still found.
        self._follow(hit.bgr, hit.time_s)
        self._explained(time_s)
        return False

    def _follow(self, bgr: ColorImage, time_s: float) -> None:
        self._reference = ColorReference(bgr, 255 * self.tolerance + _NOISE_SHARE * self._noise)
        self._reference_s = time_s
        self._light = None

    def _explained(self, time_s: float, novelty: float = 0.0) -> None:
        self._hit = self._owed = None
        self._clear_s, self._clear_novelty = time_s, novelty

    def _measure_noise(self, bgr: ColorImage, time_s: float) -> None:
        if time_s - self._before_s < 0.5:
            level = min(noise_level(bgr, self._before), _MAX_NOISE)
            self._noise = _NOISE_MEMORY * self._noise + (1 - _NOISE_MEMORY) * level
        self._last_look, self._before, self._before_s = self._before, bgr, time_s


def _newest(reference: ColorReference, difference: Difference, least: float, awaited: Box | None) -> _Found:
    # A jacket may be two places: the one that waits to be confirmed comes first.
    enough = least + _BUSY_SHARE * difference.count
    most, hit, hit_own, best = 0.0, None, 0, (False, 0.0)
    found = places(difference.mask, least)
    if found:
        whole = reference.exchange(difference.seen, difference.overlap, difference.mask)
        if whole.most < _EXPLAINED * enough:  # no place can have more than all of them
            found = []
    for box, own in found:
        novelty = reference.novelty(difference.seen, difference.overlap, box, whole)
        most = max(most, novelty)
        x, y, width, height = box
        place = x + max(difference.overlap.dx, 0), y + max(difference.overlap.dy, 0), width, height
        rank = awaited is not None and overlapping(awaited, place), novelty
        if novelty >= max(enough, _LIKE_SHARE * own) and rank > best:
            hit, hit_own, best = place, own, rank
    if hit is None and difference.count > _SCENE_SHARE * difference.mask.size:
        hit, hit_own = (0, 0, difference.seen.shape[1], difference.seen.shape[0]), difference.count
    return _Found(most, hit, hit_own)
