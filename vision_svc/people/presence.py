"""How much of a body is seen of what should be seen: to the pose models many a coat on a hanger is a body too."""

from collections.abc import Sequence

from vision_svc.people.types import FloatArray, Joint

_BODY = [
    Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.LEFT_ELBOW, Joint.RIGHT_ELBOW, Joint.LEFT_WRIST, Joint.RIGHT_WRIST,
    Joint.LEFT_HIP, Joint.RIGHT_HIP, Joint.LEFT_KNEE, Joint.RIGHT_KNEE, Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE,
]  # fmt: skip
# A joint that lies nearer than this to the picture's edge, as a share of its longer side, may rightly be unseen.
_EDGE = 0.02


def seen_inside(joints_xyz: FloatArray, visibility: FloatArray, size: Sequence[int]) -> float:
    """Returns the mean visibility of the body's joints that lie inside the picture, 0-1; 0 where none does.

    Args:
        joints_xyz: float32 `(33, 3)`, pixels.
        visibility: float32 `(33,)`, 0-1.
        size: Height and width of the picture.
    """
    room = _EDGE * max(size)
    inside = [
        joint for joint in _BODY
        if room < joints_xyz[joint, 0] < size[1] - room and room < joints_xyz[joint, 1] < size[0] - room
    ]  # fmt: skip
    return float(visibility[inside].mean()) if inside else 0.0
