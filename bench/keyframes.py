"""Keyframes that see clothes: what mode `color` finds and leaves, mode `luma` beside it.

    python bench/keyframes.py [--video DIR] [--quick] [--seeds N]

Clips are drawn by code from seeds that nothing was tuned on, with the exact moment of every change: people in garments
before rooms and photographs, as JPEG frames of several rates, sizes and qualities. A change is found when a keyframe
comes from its first frame to 0.5 s after its last; every other keyframe is a false one. The first keyframe does not
count, and the maximum interval is out of the way.

`outfit`: tops of equal luma, a small person's jacket, hats, trousers, whole outfits, and cuts; the camera and the light
are steady, people sway. `outfit, hard`: the same while the light flickers or fades, the camera pans or shakes, or the
person walks. `light, camera, noise` and `motion, zoom, shadow`: nothing changes.

With `--video DIR` also the real clips of its manifest.json that say where their cuts are. With `--people DIR` also
people of photographs `NAME.jpg` with masks `NAME_mask.png` and `ccp_labels.json`, recoloured by garment: groups
`photos`, `photos, hard` and `photos, still`, no targets.

CPU is what decoding and judging take for each frame of a stream, looked at or not; both modes in turn, the same clips.

Prints tables, then one line of JSON; exit code 1 when a target is missed: recall and precision of `outfit` 0.95, one
false keyframe a minute on `light, camera, noise`, every real cut of `bbb_0_30` and `bikes`, 1.25x the CPU of `luma`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

sys.path.pop(0)  # this folder: its `mesh.py` would hide the package

import cv2

from bench._keyframes_camera import Clip, Setting
from bench._keyframes_clips import PARTS, cut_clip, negative_clip, outfit_clip
from bench._keyframes_nuisances import NEGATIVES
from bench._keyframes_people import photo_clips
from bench._keyframes_score import MODES, Score, judged, matched
from bench._keyframes_video import real_clips

# Not the seeds that thresholds were chosen by (below 1,000).
FIRST_SEED = 9_000
SETTINGS = (
    Setting(), Setting(fps=15, quality=50), Setting(width_px=480, height_px=640, quality=60),
    Setting(fps=6, quality=85), Setting(fps=24, quality=40, seconds=5.5), Setting(width_px=1280, height_px=720),
)  # fmt: skip
HARD = ("flicker", "ramp", "pan", "shake", "walk", "noise")
STEADY = ("flicker", "mains", "ramp", "white_balance", "pan", "shake", "noise", "low_light")
MOVING = ("walk", "gesture", "zoom", "shadow")
MUST_CUT = ("bbb_0_30", "bikes")
LEAST, MOST_FALSE, MOST_CPU = 0.95, 1.0, 1.25


@dataclass(frozen=True)
class Plan:
    """How many clips of what: seeds of each group."""

    outfit: int
    hard: int
    steady: int
    moving: int


def clips(plan: Plan) -> Iterable[tuple[str, Clip]]:
    """Draws every clip, with its group."""
    for i in range(plan.outfit):
        setting = SETTINGS[i % len(SETTINGS)]
        for kind in PARTS:
            yield "outfit", outfit_clip(kind, FIRST_SEED + i, setting, "still")
        yield "outfit", cut_clip(FIRST_SEED + i, setting)
    for i in range(plan.hard):
        for j, kind in enumerate(PARTS):
            nuisance = HARD[(i + j) % len(HARD)]
            yield "outfit, hard", outfit_clip(kind, FIRST_SEED + 500 + i, SETTINGS[i % len(SETTINGS)], nuisance)
    for group, kinds, count in (
        ("light, camera, noise", STEADY, plan.steady), ("motion, zoom, shadow", MOVING, plan.moving),
    ):  # fmt: skip
        assert set(kinds) <= set(NEGATIVES)
        for i in range(count):
            for kind in kinds:
                yield group, negative_clip(kind, FIRST_SEED + i, SETTINGS[i % len(SETTINGS)])


def measure(every: Iterable[tuple[str, Clip]]) -> dict[str, dict[str, Score]]:
    """Scores by mode and group."""
    scores: dict[str, dict[str, Score]] = {mode: {} for mode in MODES}
    for index, (group, clip) in enumerate(every):
        order = list(MODES) if index % 2 else list(reversed(MODES))
        for mode in order:
            run = judged(clip.jpegs, clip.times_ns, mode)
            scores[mode].setdefault(group, Score()).add(clip, run)
    return scores


def show(scores: dict[str, dict[str, Score]]) -> None:
    print(
        f"{'group':24} {'mode':6} {'changes':>7} {'recall':>7} {'prec.':>7} {'false/min':>9}  false or missed by kind"
    )
    for group in scores["color"]:
        for mode in MODES:
            score = scores[mode][group]
            recall = f"{score.recall:7.3f} {score.precision:7.3f}" if score.changes else f"{'':7} {'':7}"
            kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(score.wrong.items()))
            print(f"{group:24} {mode:6} {score.changes:7} {recall} {score.false_per_min:9.2f}  {kinds}")


def show_video(folder: Path) -> dict[str, dict[str, object]]:
    """Real clips: cuts, and what each mode finds of them."""
    found: dict[str, dict[str, object]] = {}
    print(f"\n{'clip':22} {'cuts':>5} {'color':>6} {'luma':>6} {'keyframes':>10}")
    for clip in real_clips(folder):
        runs = {mode: judged(clip.jpegs, clip.times_ns, mode) for mode in MODES}
        hits = {mode: matched(clip, runs[mode].keys_s)[0] for mode in MODES}
        keys = {mode: len(runs[mode].keys_s) for mode in MODES}
        found[clip.name] = {"cuts": len(clip.changes_s), "found": hits, "keyframes": keys}
        print(
            f"{clip.name:22} {len(clip.changes_s):5} {hits['color']:6} {hits['luma']:6}"
            f" {keys['color']:5}/{keys['luma']}"
        )
    return found


def report(scores: dict[str, dict[str, Score]], video: dict[str, dict[str, object]]) -> dict[str, object]:
    color = scores["color"]
    total = {mode: Score.total(scores[mode].values()) for mode in MODES}
    cpu = {mode: total[mode].cpu_us() for mode in MODES}
    looks = {mode: total[mode].looked_at / max(total[mode].frames, 1) for mode in MODES}
    ratio = cpu["color"] / cpu["luma"]
    false = color["light, camera, noise"].false_per_min
    values = {
        "outfit_recall": (color["outfit"].recall, LEAST), "outfit_precision": (color["outfit"].precision, LEAST),
        "false_per_min": (-false, -MOST_FALSE), "cpu_over_luma": (-ratio, -MOST_CPU),
    }  # fmt: skip
    missed = [name for name, (value, goal) in values.items() if value < goal]
    for name, row in video.items():
        found = row["found"]
        assert isinstance(found, dict)
        if any(part in name for part in MUST_CUT) and found["color"] != row["cuts"]:
            missed.append(f"cuts of {name}")
    print(
        f"\nCPU per frame: color {cpu['color']:.0f} us ({looks['color']:.0%} looked at),"
        f" luma {cpu['luma']:.0f} us ({looks['luma']:.0%}): {ratio:.2f}x"
    )
    return {
        "bench": "keyframes",
        "groups": {mode: {group: score.as_dict() for group, score in scores[mode].items()} for mode in MODES},
        "cpu_us_per_frame": {mode: round(value, 1) for mode, value in cpu.items()},
        "video": video,
        "targets": {name: {"value": round(abs(value), 3), "goal": abs(goal)} for name, (value, goal) in values.items()},
        "missed": missed,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer clips; below 50 s")
    parser.add_argument("--seeds", type=int, default=6, help="seeds of each group (default 6)")
    parser.add_argument("--people", type=Path, help="folder with photographs of people and their masks")
    parser.add_argument("--video", type=Path, help="folder with clips and manifest.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    count = arguments.seeds
    drawn = clips(Plan(2, 1, 1, 1) if arguments.quick else Plan(count, count, count, count))
    scores = measure(chain(drawn, photo_clips(arguments.people, count) if arguments.people else ()))
    show(scores)
    answer = report(scores, show_video(arguments.video) if arguments.video else {})
    print(json.dumps(answer))
    return 1 if answer["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
