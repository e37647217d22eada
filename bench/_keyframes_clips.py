"""The clips of `keyframes.py`: each kind of change and of nuisance, drawn from a seed, with its exact truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from bench._keyframes_camera import Clip, Script, Setting, Studio, View, filmed, photographed, rng_of
from bench._keyframes_colors import other_color
from bench._keyframes_nuisances import NEGATIVES
from bench._keyframes_scene import Garment, Image, Person, World, dressed, some_ground, some_person

PARTS = {
    "equal_luma": "top",
    "small_jacket": "jacket",
    "hat": "hat",
    "whole_outfit": "all",
    "jacket": "jacket",
    "trousers": "bottom",
}
# A change that shows on less of the picture is none: a hat that is put on above its upper edge, somebody out of view.
_LEAST_SHOWN, _SHOWN_LEVELS = 0.0005, 12
NUISANCES = ("still", "still", "flicker", "ramp", "pan", "shake", "walk", "noise")


def outfit_clip(kind: str, seed: int, setting: Setting, nuisance: str | None = None) -> Clip:
    """Somebody changes one part of the outfit twice, in one frame or within 0.4 s, under some nuisance."""
    rng = rng_of(kind, seed)
    height = {"small_jacket": rng.uniform(130, 190), "hat": rng.uniform(230, 420)}.get(kind)
    studio = Studio(rng, setting, height=height)
    nuisance = nuisance or str(rng.choice(NUISANCES))
    move = NEGATIVES[nuisance](studio, rng)
    if kind == "equal_luma":
        plain = Garment(other_color(rng, (128, 128, 128), 45))
        studio.world.people = [replace(studio.world.people[0], top=plain, jacket=None)]
    moments = [float(rng.uniform(1.6, 2.6)), float(rng.uniform(4.0, 5.0))]
    looks = [studio.world.people[0]]
    for _ in moments:
        looks.append(dressed(looks[-1], rng, PARTS[kind], same_luma=kind == "equal_luma"))

    def wear(index: int) -> None:
        studio.world.people[0] = clothed(studio.world.people[0], looks[index])

    clip = filmed_changing(kind, seed, studio, move, moments, wear)
    clip.name += f"-{nuisance}"
    return clip


def filmed_changing(
    kind: str, seed: int, studio: Studio, move: Script, moments: Sequence[float], wear: Callable[[int], None]
) -> Clip:
    """Takes a clip in which outfits change at some moments; those that show are its truth.

    Args:
        kind: What happens.
        seed: For its name.
        studio: Draws it.
        move: What light, camera and people do besides.
        moments: When, seconds.
        wear: Puts on the outfit of that number, 0 for the first.
    """
    done, shown = 0, []

    def script(studio: Studio, time_s: float, index: int) -> View:
        nonlocal done
        due = done < len(moments) and time_s >= moments[done] - 1e-9
        view = move(studio, time_s, index)
        if due:
            before = photographed(studio.world.drawn(), view, studio.setting)
            done += 1
            wear(done)
            after = photographed(studio.world.drawn(), view, studio.setting)
            if _shows(before, after):
                shown.append(moments[done - 1])
        return view

    clip = filmed(kind, seed, script, studio)
    clip.changes_s = [(at, at + 1 / studio.setting.fps) for at in shown]
    return clip


def _shows(before: Image, after: Image) -> bool:
    differs = cv2.absdiff(before, after).max(axis=2) >= _SHOWN_LEVELS
    return bool(np.count_nonzero(differs) >= _LEAST_SHOWN * differs.size)


def clothed(person: Person, look: Person) -> Person:
    """The person where and how it is, in what `look` wears."""
    return replace(person, top=look.top, bottom=look.bottom, jacket=look.jacket, hat=look.hat, skirt=look.skirt)


def cut_clip(seed: int, setting: Setting) -> Clip:
    """Another scene, at once."""
    studio = Studio(rng_of("cut", seed), setting)
    moments = [float(studio.rng.uniform(1.6, 2.6)), float(studio.rng.uniform(4.0, 5.0))]
    done = 0

    def script(studio: Studio, time_s: float, _index: int) -> View:
        nonlocal done
        while done < len(moments) and time_s >= moments[done]:
            done += 1
            studio.world = World(some_ground(studio.rng), [some_person(studio.rng, studio.height)])
        return studio.base

    clip = filmed("cut", seed, script, studio)
    clip.changes_s = [(at, at + 1 / setting.fps) for at in moments]
    return clip


def negative_clip(kind: str, seed: int, setting: Setting) -> Clip:
    """Nothing is put on or taken off; light, camera or people move."""
    studio = Studio(rng_of(kind, seed), setting)
    return filmed(kind, seed, NEGATIVES[kind](studio, studio.rng), studio)
