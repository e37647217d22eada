"""How numbers, money and changes of taste are put into words, wherever they are shown."""

from __future__ import annotations

from google.type.money_pb2 import Money
from vitrine.profile.v1 import taste_pb2

_LEAST_POINTS = 0.05  # less is written as 0.0
_WHOLE_POINTS = 10.0


def counted(count: int, one: str, many: str = "") -> str:
    """Writes a number with its noun: `1 face`, `2 faces`.

    Args:
        count: The number.
        one: The noun for 1.
        many: The noun for the rest; with an `s` when not given.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def money(amount: Money) -> str:
    """Writes an amount with two decimals and its currency."""
    return f"{amount.units + amount.nanos / 1e9:,.2f} {amount.currency_code}"


def worn(garment: taste_pb2.GarmentAttribution) -> str:
    """Names a garment by colour and category: `navy coat`."""
    return " ".join(filter(None, (garment.color_name, garment.category)))


def moves(deltas: list[taste_pb2.AxisDelta], most: int = 5) -> list[str]:
    """Says how far axes moved and towards what, the farthest first: `+4.1 structured`.

    Args:
        deltas: The moves; those too small to be written are left out.
        most: How many at most.
    """
    shown = [each for each in deltas if each.towards and abs(each.delta) >= _LEAST_POINTS]
    shown.sort(key=lambda each: -abs(each.delta))
    return [f"+{points(abs(each.delta))} {each.towards}" for each in shown[:most]]


def drift(taste: taste_pb2.Taste) -> str:
    """Says where a taste went in the last 30 days: `+3.2 formal in 30 days`; empty where it is younger or stayed."""
    far = moves(list(taste.drift_deltas), 1)
    return f"{far[0]} in 30 days" if far else ""


def points(size: float) -> str:
    """Writes points of an axis: one decimal below 10."""
    return f"{size:.0f}" if size >= _WHOLE_POINTS else f"{size:.1f}"


def did(garment: taste_pb2.GarmentAttribution, most: int = 5) -> str:
    """Says what a garment did to the taste: its moves, or that it had counted before, or that it moved nothing.

    Args:
        garment: What is told of it.
        most: How many moves at most, the farthest first.
    """
    if garment.repeat_of_event_id:
        return "already counted"
    return ", ".join(moves(list(garment.deltas), most)) or "counted, moved nothing"
