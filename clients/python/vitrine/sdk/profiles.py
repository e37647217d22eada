"""Three recordings of how the camera of smart glasses behaves on a bad day: times alone, made by us.

`python -m vitrine.sdk.profiles` makes the files anew; a test holds that they are what comes out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vitrine.sdk.fault_kinds import Burst, Fault, Slow, Stall
from vitrine.sdk.faults import inject
from vitrine.sdk.plans import Plan, Span
from vitrine.sdk.recording_file import FORMAT, VERSION, Record, RecordingWriter, read_records
from vitrine.sdk.recording_session import RecordedSession

FPS = 24.0
_FOLDER = Path(__file__).parent / "recorded_profiles"
# A scene lasts so long; what the wearer looks at changes then.
_SCENE_S = 8.0
_SCENE_CHANGE = 0.3
_JITTER_S = 0.003
_WAY_S = (0.015, 0.06)


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to behave.

    Attributes:
        words: What happens.
        length_s: How long, in seconds.
        fault: What goes wrong.
        seed: Where chance comes from.
    """

    words: str
    length_s: float
    fault: Fault
    seed: int


PROFILES = {
    "glasses-stalls": Profile(
        "24 fps that stop silently for 1 to 4 s every 6 to 9 s",
        40.0,
        Stall(at=Span(4, 6), lasts=Span(1, 4), every=Span(6, 9)),
        1,
    ),
    "glasses-collapse": Profile(
        "24 fps that fall to 1 for 15 s and come back", 40.0, Slow(at=Span(12), lasts=Span(15), fps=1.0), 2
    ),
    "glasses-bursts": Profile(
        "24 fps that the network holds back for 5 to 15 s and lets through at once",
        60.0,
        Burst(at=Span(5, 8), lasts=Span(5, 15), every=Span(18, 22)),
        3,
    ),
}


def load_profile(name: str) -> RecordedSession:
    """Reads a profile that ships with the package.

    Args:
        name: One of `PROFILES`.
    """
    return RecordedSession.of(read_records(profile_path(name)))


def profile_path(name: str) -> Path:
    """Tells where the file of a profile is."""
    return _FOLDER / f"{name}.vrec"


def make_profile(name: str) -> Iterator[Record]:
    """Makes the records of a profile: frames with their times, and where the scene changes.

    Args:
        name: One of `PROFILES`.
    """
    profile = PROFILES[name]
    dice = random.Random(f"profile {name}")  # noqa: S311  repeatable, not a secret
    count = round(profile.length_s * FPS)
    times = [max(0.0, index / FPS + dice.gauss(0.0, _JITTER_S)) for index in range(count)]
    plan = inject(Plan.at(sorted(times)), [profile.fault], profile.seed)
    yield {"t": "head", "format": FORMAT, "version": VERSION, "source": {"kind": "profile", "fps": FPS}, "kept": []}
    last_sent_s, scene = 0.0, 0
    for frame in plan.frames:
        last_sent_s = max(last_sent_s, frame.sent_s + dice.uniform(*_WAY_S))
        record: Record = {"t": "frame", "n": frame.number, "captured": round(frame.captured_s, 3)}
        if int(frame.captured_s / _SCENE_S) != scene:
            scene = int(frame.captured_s / _SCENE_S)
            record["change"] = _SCENE_CHANGE
        yield record | {"sent": round(last_sent_s, 3)}
    yield {
        "t": "end",
        "at": round(last_sent_s, 3),
        "ended_well": True,
        "numbered": plan.numbered,
        "sent": len(plan.frames),
    }


def _main() -> None:
    for name in PROFILES:
        with RecordingWriter(profile_path(name), replace=True) as writer:
            for record in make_profile(name):
                writer.write(record)
        profile_path(name).chmod(0o644)  # it is nobody's


if __name__ == "__main__":
    _main()
