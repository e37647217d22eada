"""Recording and replaying through the whole mesh: `vitrine record`, `vitrine replay`, a report of both."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from vitrine.cli.clip import read_photo
from vitrine.cli.demo import sample_photo
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.sdk.recording_file import read_records

from tests.support.mesh import command_line

pytestmark = pytest.mark.mesh
FPS = "5"
PICTURES = 20


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """Twenty pictures of five a second: a person, an empty wall, the person again."""
    photo = sample_photo()
    assert photo is not None
    person = cv2.resize(read_photo(photo), (320, 320), interpolation=cv2.INTER_AREA)
    wall = np.full_like(person, 200)
    wall[:, ::40] = 90
    folder = tmp_path / "walk"
    folder.mkdir()
    noise = np.random.default_rng(1)
    for index in range(PICTURES):
        scene = wall if 8 <= index < 14 else person
        noisy = np.clip(scene + noise.normal(0, 2, scene.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{index:02}.png"), noisy)
    return folder


async def test_recording_holds_no_picture_and_is_replayed_as_it_was(
    shop: EmbeddedMesh, walk: Path, tmp_path: Path
) -> None:
    file, report = tmp_path / "walk.vrec", tmp_path / "walk.md"
    code, said = await command_line(shop, "record", str(walk), str(file), "--fps", FPS, "--report", str(report))
    assert code == 0
    assert said[-1] == {"recording": str(file), "frames": PICTURES}
    records = list(read_records(file))
    assert records[-1]["ended_well"]
    assert sum(record["t"] == "frame" for record in records) == PICTURES
    results = [record for record in records if record["t"] == "result"]
    assert any(record["garments"] for record in results)
    assert sum("changed_area" in record for record in records if record["t"] == "ack") >= 3
    assert file.stat().st_size < PICTURES * 1000
    assert "OK: client and server agree: 20 numbers" in report.read_text()

    # With the pictures: the same keyframes, the same garments.
    code, said = await command_line(shop, "replay", str(file), "--source", str(walk))
    found = said[-1]["replay"]
    assert (code, found["asExpected"]) == (0, True), found
    assert found["pictures"].endswith(f"{PICTURES} known by their hash")
    assert found["compared"] == PICTURES
    assert found["matched"] == found["keyframes"] >= 3
    assert found["garmentsCompared"] >= 1
    assert (found["garmentsDiffer"], found["missing"], found["new"]) == ([], [], [])
    assert [(it["name"], it["most"]) for it in found["measured"]] == [("changed_area", 0.0)]

    # Without them, and on a bad network: drawn ones, and every difference has its reason.
    faults = [word for it in ("loss:share=0.2", "duplicate:share=0.3", "corrupt:share=0.1") for word in ("--fault", it)]
    code, said = await command_line(shop, "replay", str(file), *faults, "--seed", "3", "--speed", "2")
    found = said[-1]["replay"]
    assert (code, found["asExpected"]) == (0, True), found
    assert found["pictures"].startswith("pictures are drawn")
    assert found["garmentsCompared"] == 0
    assert any(change["why"] == "never sent by the replay" for change in found["changes"])
    totals = next(line["stats"]["totals"] for line in reversed(said) if "stats" in line)
    assert int(totals["lostCount"]) >= 1
    assert int(totals["duplicateCount"]) >= 1


async def test_replay_comes_back_after_being_cut_off(shop: EmbeddedMesh, tmp_path: Path) -> None:
    kept = tmp_path / "again.vrec"
    words = (
        "--profile",
        "glasses-collapse",
        "--speed",
        "8",
        "--fault",
        "disconnect:at=10,lasts=4",
        "--record",
        str(kept),
    )
    code, said = await command_line(shop, "replay", *words)
    assert (code, said[-1]["replay"]["asExpected"]) == (0, True), said[-1]
    records = list(read_records(kept))
    assert [record["t"] for record in records].count("reconnect") == 1
    assert [record["t"] for record in records].count("ready") == 2
    assert records[-1]["numbered"] == 614
