"""The clips of `keyframes.py`: each kind of change and of nuisance, drawn from a seed, with its exact truth."""

from __future__ import annotations

from dataclasses import replace

from bench._keyframes_camera import Clip, Setting, Studio, View, filmed, rng_of
from bench._keyframes_colors import other_color
from bench._keyframes_nuisances import NEGATIVES
from bench._keyframes_scene import Garment, Person, World, dressed, some_ground, some_person

PARTS = {
    "equal_luma": "top",
    "small_jacket": "jacket",
    "hat": "hat",
    "whole_outfit": "all",
    "jacket": "jacket",
    "trousers": "bottom",
}
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
    done = 0
    frame_s = 1 / setting.fps

    def script(studio: Studio, time_s: float, index: int) -> View:
        nonlocal done
        while done < len(moments) and time_s >= moments[done] - 1e-9:
            done += 1
            studio.world.people[0] = clothed(studio.world.people[0], looks[done])
        return move(studio, time_s, index)

    clip = filmed(kind, seed, script, studio)
    clip.name += f"-{nuisance}"
    clip.changes_s = [(at, at + frame_s) for at in moments]
    return clip


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
