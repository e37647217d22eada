"""What makes a picture a weak witness of clothes, and how to take a better one."""

import enum
from dataclasses import dataclass

import cv2
import numpy as np

from imaging.decode import shrink
from vision_svc.people.types import ImageBgr, Joint, Person


class Issue(enum.Enum):
    """Names and numbers as `vitrine.vision.v1.QualityIssue`."""

    SUBJECT_TOO_SMALL = 1
    BLUR = 2
    LOW_LIGHT = 3
    OVEREXPOSED = 4
    CUT_OFF = 11
    SEVERAL_SUBJECTS = 13


class Severity(enum.Enum):
    """Names and numbers as `vitrine.vision.v1.QualitySeverity`."""

    NOTICE = 1
    WARNING = 2


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a picture.

    Attributes:
        issue: What.
        severity: How much it matters.
        description: What was seen, one sentence.
        advice: How to take a better picture, one sentence.
        measured: What was measured.
        limit: The limit that it was held against.
    """

    issue: Issue
    severity: Severity
    description: str
    advice: str
    measured: float
    limit: float


BODY_JOINTS = (
    Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.LEFT_ELBOW, Joint.RIGHT_ELBOW, Joint.LEFT_WRIST, Joint.RIGHT_WRIST,
    Joint.LEFT_HIP, Joint.RIGHT_HIP, Joint.LEFT_KNEE, Joint.RIGHT_KNEE, Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE,
)  # fmt: skip
_SEEN = 0.5
_WHOLE_BODY = 0.8
_SMALL_PERSON_PX = 120.0
# Mean lightness (0-255) of the person.
_DARK, _BRIGHT_SHARE = 40.0, 0.25
# Variance of the Laplacian at 320 px; photos in focus here measure 100 and more, heavily blurred ones below 20.
_SHARP = 20.0
_SHARPNESS_SIDE_PX = 320


def visible_share(person: Person) -> float:
    """Returns the share of the twelve main joints of the body that are seen, 0-1."""
    return float(np.mean([person.visibility[joint] >= _SEEN for joint in BODY_JOINTS]))


def judge(image_bgr: ImageBgr, persons: tuple[Person, ...]) -> tuple[Finding, ...]:
    """Looks for what makes an analysis of clothes weak.

    Args:
        image_bgr: uint8 `(H, W, 3)`.
        persons: The people in it, largest first; nobody gives no findings.
    """
    if not persons:
        return ()
    person = persons[0]
    x0, y0, x1, y1 = (int(value) for value in person.box_xyxy)
    crop, mask = image_bgr[y0:y1, x0:x1], person.mask[y0:y1, x0:x1]
    findings = [*_of_place(person, len(persons), float(y1 - y0))]
    if mask.any():
        findings += _of_light(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)[mask].astype(np.float32))
        findings += _of_focus(crop)
    return tuple(findings)


def _of_place(person: Person, count: int, height_px: float) -> list[Finding]:
    findings = []
    if count > 1:
        text = f"{count} people are in the picture; the largest was read."
        advice = "Let only one person stand in the picture."
        findings.append(Finding(Issue.SEVERAL_SUBJECTS, Severity.NOTICE, text, advice, count, 1))
    if height_px < _SMALL_PERSON_PX:
        text, advice = f"The person is {height_px:.0f} pixels high.", "Go closer."
        findings.append(Finding(Issue.SUBJECT_TOO_SMALL, Severity.WARNING, text, advice, height_px, _SMALL_PERSON_PX))
    if (share := visible_share(person)) < _WHOLE_BODY:
        text = f"{share:.0%} of the body is in the picture."
        findings.append(
            Finding(
                Issue.CUT_OFF, Severity.NOTICE, text, "Step back until head and shoes are seen.", share, _WHOLE_BODY
            )
        )
    return findings


def _of_light(lightness: np.typing.NDArray[np.float32]) -> list[Finding]:
    mean, clipped = float(lightness.mean()), float((lightness >= 253).mean())
    if mean < _DARK:
        text, advice = "The person is very dark.", "Turn on a light, or turn towards the window."
        return [Finding(Issue.LOW_LIGHT, Severity.WARNING, text, advice, mean, _DARK)]
    if clipped > _BRIGHT_SHARE:
        text, advice = f"{clipped:.0%} of the person is clipped to white.", "Step out of the direct light."
        return [Finding(Issue.OVEREXPOSED, Severity.WARNING, text, advice, clipped, _BRIGHT_SHARE)]
    return []


def _of_focus(crop_bgr: ImageBgr) -> list[Finding]:
    gray = cv2.cvtColor(shrink(crop_bgr, _SHARPNESS_SIDE_PX), cv2.COLOR_BGR2GRAY)
    sharpness = float(cv2.Laplacian(gray, cv2.CV_32F).var())
    if sharpness >= _SHARP:
        return []
    advice = "Hold the camera still and tap on the person to focus."
    return [Finding(Issue.BLUR, Severity.WARNING, "The person is blurred.", advice, sharpness, _SHARP)]
