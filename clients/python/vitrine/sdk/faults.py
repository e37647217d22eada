"""Faults of cameras and networks, put into a timed sequence of frames.

Nothing is sent here: a `Plan` says which frame is captured and sent when, and where the connection is cut; a fault
makes another plan of it. The same seed makes the same plan, and a fault draws the same whatever other faults there are.

    plan = inject(Plan.steady(300, fps=10), [read_fault("loss:share=0.1,run=3"), Disconnect()], seed=7)
    plan.account()  # which numbers are never sent, sent twice, sent late, damaged
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from vitrine.sdk.fault_kinds import Burst, Corrupt, Disconnect, Duplicate, Fault, Loss, Reorder, Slow, Stall
from vitrine.sdk.plans import Plan, Span

__all__ = [
    "FAULTS",
    "Burst",
    "Corrupt",
    "Disconnect",
    "Duplicate",
    "Fault",
    "Loss",
    "Reorder",
    "Slow",
    "Stall",
    "inject",
    "read_fault",
]

# What the parameters of faults may be.
_LIMITS = {"share": (0.0, 1.0), "run": (1.0, 1000.0), "fps": (0.01, 60.0), "by": (1.0, 1000.0)}
_MOST_LOST = 0.9
_DAY_S = 86_400.0
_DAMAGES = ("garbage", "cut", "flip")

FAULTS: dict[str, type[Fault]] = {
    it.kind: it for it in (Stall, Slow, Loss, Corrupt, Duplicate, Reorder, Burst, Disconnect)
}


def inject(plan: Plan, faults: Iterable[Fault], seed: int = 0) -> Plan:
    """Makes the plan in which faults happen.

    Args:
        plan: What would happen otherwise.
        faults: What goes wrong, in any order and number.
        seed: Where chance comes from.
    """
    seen: Counter[str] = Counter()
    order = {kind: place for place, kind in enumerate(FAULTS)}
    for fault in sorted(faults, key=lambda it: (it.stage, order[it.kind])):
        seen[fault.kind] += 1
        dice = random.Random(f"{seed} {fault.kind} {seen[fault.kind]}")  # noqa: S311  repeatable, not a secret
        plan = fault.apply(plan, dice)
    return plan


def read_fault(text: str) -> Fault:
    """Reads ``stall``, ``loss:share=0.2`` or ``burst:at=3,lasts=5-15,every=30``.

    Args:
        text: The kind, and parameters that differ from their defaults.

    Raises:
        ValueError: There is no such fault or parameter, or its value is none.
    """
    kind, _, rest = text.partition(":")
    if kind not in FAULTS:
        raise ValueError(f"there is no fault {kind!r}; there are {', '.join(FAULTS)}")
    made = FAULTS[kind]()
    names = [it.name for it in fields(made)]
    values: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        name, _, value = part.partition("=")
        if name not in names:
            raise ValueError(f"the fault {kind} has no parameter {name!r}; it has {', '.join(names)}")
        try:
            values[name] = _read(kind, name, value, getattr(made, name))
        except ValueError as error:
            raise ValueError(f"{name} of the fault {kind} cannot be {value!r}: {error}") from None
    return replace(made, **values)


def _read(kind: str, name: str, text: str, default: Any) -> Any:  # noqa: ANN401  of the type of the default
    if isinstance(default, str):
        if text not in _DAMAGES:
            raise ValueError(f"expected one of {', '.join(_DAMAGES)}")
        return text
    if isinstance(default, Span):
        span = Span.read(text)
        for value in (span.low, span.high if span.high is not None else span.low):
            _check(value, 0.0, _DAY_S)
        return span
    number = type(default)(text)
    low, high = _LIMITS[name]
    _check(number, low, _MOST_LOST if kind == Loss.kind and name == "share" else high)
    return number


def _check(value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"expected {low:g} to {high:g}")
