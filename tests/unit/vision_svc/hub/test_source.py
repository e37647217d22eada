"""Which version of a hub model it is, and under which licence: from folders, and from the hub's cache."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="comes with .[vision-hub]")

import huggingface_hub.constants

from tests.unit.vision_svc.hub.tiny import change_processor, change_weights, save_clip
from vision_svc.hub.clip import ClipEmbedder, ClipTextEmbedder
from vision_svc.hub.source import UNKNOWN_LICENSE, UNREAD_LICENSE, HubSource
from vision_svc.models.contract import Task

pytestmark = [
    pytest.mark.unit,
    # transformers says that torchvision would be quicker; its Pillow processors are what we want.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
]

FIRST, SECOND = "1" * 40, "2" * 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip") / "tiny")


@pytest.fixture
def cache(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with two commits of a model, of which `main` is the first; and no way to the network."""
    place = tmp_path / "hub"
    model = place / "models--somebody--tiny"
    for commit in (FIRST, SECOND):
        shutil.copytree(folder, model / "snapshots" / commit)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(FIRST)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(place))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return model


def copied(folder: Path, place: Path) -> Path:
    """The same model elsewhere, in a folder of the same name."""
    shutil.copytree(folder, place / folder.name)
    return place / folder.name


def test_a_folder_is_known_by_what_it_holds(folder: Path, tmp_path: Path) -> None:
    same, other, cropped = (copied(folder, tmp_path / name) for name in ("same", "other", "cropped"))
    (same / "README.md").write_text("# Another card")
    change_weights(other, lambda name, values: values + 1 if name == "visual_projection.weight" else values)
    change_processor(cropped, {"image_mean": [0.4, 0.4, 0.4]})
    ids = [HubSource(str(place)).resolved().model_id for place in (folder, same, other, cropped)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert all(one.startswith("local/tiny@") for one in ids)


def test_a_loaded_model_carries_its_version(folder: Path) -> None:
    embedder = ClipEmbedder(HubSource(str(folder)))
    expected = HubSource(str(folder)).resolved()
    for spec in (embedder.spec, ClipTextEmbedder(embedder).spec):
        assert (spec.model, spec.version, spec.source) == (expected.model_id, expected.version, "local/tiny")
        assert spec.license == "mit"
    assert ClipTextEmbedder(embedder).spec.task is Task.TEXT_EMBED


def test_a_branch_is_known_by_its_commit(cache: Path) -> None:
    source = HubSource("somebody/tiny")
    assert source.model_id == "somebody/tiny"
    before = source.resolved()
    assert (before.model_id, before.revision) == (f"somebody/tiny@{FIRST[:12]}", FIRST)
    (cache / "refs" / "main").write_text(SECOND)
    assert source.resolved().model_id == f"somebody/tiny@{SECOND[:12]}"
    assert HubSource("somebody/tiny", FIRST).resolved() == before


def test_a_model_of_the_cache_loads_with_its_commit_and_licence(cache: Path) -> None:
    change_weights(
        cache / "snapshots" / SECOND, lambda name, values: -values if name == "visual_projection.weight" else values
    )
    first, second = (ClipEmbedder(HubSource("somebody/tiny", revision)) for revision in ("", SECOND))
    assert (first.spec.model, first.spec.license) == (f"somebody/tiny@{FIRST[:12]}", "mit")
    assert (second.spec.model, second.spec.version) == (f"somebody/tiny@{SECOND[:12]}", SECOND[:12])
    assert first.embed_text("red dress").vector == pytest.approx(second.embed_text("red dress").vector)


def test_a_model_that_is_nowhere_is_said_to_be(cache: Path) -> None:
    assert cache.is_dir()
    with pytest.raises(OSError, match="in the local cache"):
        HubSource("nobody/nothing").resolved()


@pytest.mark.parametrize(
    ("card", "stated"),
    [
        pytest.param("", UNKNOWN_LICENSE, id="empty"),
        pytest.param("# A model\nlicense: mit\n", UNKNOWN_LICENSE, id="not in the head"),
        pytest.param("---\nlicense: mit\n---\n# A model", "mit", id="stated"),
        pytest.param("---\nlicense: [mit, apache-2.0]\n---\n", "mit, apache-2.0", id="several"),
        pytest.param("---\nlicense: other\nlicense_name: research-only\n---\n", "research-only", id="of its own"),
        pytest.param("---\nlicense: other\n---\n", "other", id="other"),
        pytest.param("---\n: : [\n---\n", UNKNOWN_LICENSE, id="damaged"),
    ],
)
def test_the_card_states_the_licence(tmp_path: Path, card: str, stated: str) -> None:
    (tmp_path / "README.md").write_text(card)
    source = HubSource(str(tmp_path))
    assert source.license == UNREAD_LICENSE
    assert source.resolved().license == stated


def test_without_a_card_no_licence_is_stated(tmp_path: Path, cache: Path) -> None:
    assert HubSource(str(tmp_path)).resolved().license == UNKNOWN_LICENSE
    (cache / "snapshots" / FIRST / "README.md").unlink()
    assert HubSource("somebody/tiny").resolved().license == UNKNOWN_LICENSE
