"""What a comparison says, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vitrine.sdk.outcomes import WORDS
from vitrine.sdk.recording_compare import Change, Comparison, Measured
from vitrine.sdk.recording_reasons import TOLERANCE_S
from vitrine.words import counted

_SHOWN = 6


def comparison_lines(comparison: Comparison, pictures: str) -> list[str]:
    """Writes what went otherwise, and why.

    Args:
        comparison: It.
        pictures: Where the pictures came from, in words.
    """
    it = comparison
    lines = [pictures]
    if not it.compared:
        lines.append("a profile holds times alone: there is nothing to compare but the books")
    else:
        differ = sum(len(change.numbers) for change in it.changes)
        lines.append(f"{it.compared - differ:,} of {counted(it.compared, 'frame')} ended as they did")
        lines += [_change(change) for change in it.changes]
        lines.append(f"{it.matched:,} of {counted(it.keyframes, 'keyframe')} came again within {TOLERANCE_S:g} s")
        why = f": {it.excused}" if it.excused else " (unexplained)"
        lines += [f"missing: {_numbers(it.missing)}{why}"] if it.missing else []
        lines += [f"new: {_numbers(it.extra)}{why}"] if it.extra else []
    if it.garments_compared:
        same = it.garments_compared - len(it.garments_differ)
        lines.append(f"garments are the same in {same} of {counted(it.garments_compared, 'keyframe')}")
        lines += [f"other garments (unexplained): {_numbers(it.garments_differ)}"] if it.garments_differ else []
    lines += [_measured(each) for each in it.measured]
    lines += [f"unexplained: {words}" for words in it.account]
    return lines


def comparison_plain(comparison: Comparison, pictures: str) -> dict[str, Any]:
    """Gives the same as plain data."""
    it = comparison
    return {
        "pictures": pictures,
        "compared": it.compared,
        "changes": [
            {"was": each.was, "now": each.now, "why": each.why, "frames": list(each.numbers)} for each in it.changes
        ],
        "keyframes": it.keyframes,
        "matched": it.matched,
        "missing": list(it.missing),
        "new": list(it.extra),
        "excused": it.excused,
        "garmentsCompared": it.garments_compared,
        "garmentsDiffer": list(it.garments_differ),
        "measured": [
            {"name": each.name, "compared": each.compared, "most": round(each.most, 6), "frame": each.number}
            for each in it.measured
        ],
        "account": list(it.account),
    }


def _change(change: Change) -> str:
    was, now = _outcome(change.was), _outcome(change.now)
    why = change.why or "unexplained"
    return f"{counted(len(change.numbers), 'frame')} {was} then, {now} now: {why} ({_numbers(change.numbers)})"


def _measured(it: Measured) -> str:
    what = {"ssim": "SSIM", "pixel_diff": "difference", "changed_area": "changed area"}.get(it.name, it.name)
    same = f"at most {it.most:.2g} apart (frame {it.number})" if it.number else "the same"
    return f"{what} of {counted(it.compared, 'frame')}: {same}"


def _outcome(name: str) -> str:
    return {"": "unknown", **WORDS}.get(name, name)


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(it) for it in numbers[:_SHOWN])
    more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
    return f"{shown}{more}"
