from __future__ import annotations

import pytest

from vision_svc.models.contract import Model, ModelSpec, ModelUse, Task
from vision_svc.models.latency import Latency, LatencyRecorder
from vision_svc.models.registry import ModelState, ModelUnavailableError, Registry

pytestmark = pytest.mark.unit

EMBED = Task.GARMENT_EMBED


def spec(model: str, backend: str = "numpy", task: Task = EMBED) -> ModelSpec:
    return ModelSpec(task, model, backend, "Apache-2.0", "vitrine", "A model.")


class Failing:
    """Fails as often as told, then loads."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self) -> str:
        self.times -= 1
        if self.times >= 0:
            raise OSError("no such folder\nsecond line")
        return "loaded"


@pytest.fixture
def registry() -> Registry:
    return Registry(LatencyRecorder())


def test_an_empty_registry_has_nothing(registry: Registry) -> None:
    assert registry.infos() == []
    registry.load_selected()
    with pytest.raises(ModelUnavailableError):
        registry.get(EMBED)


@pytest.mark.parametrize("choice", ["big/1", "transformers"], ids=["by name", "by backend"])
def test_a_model_is_chosen_by_name_or_backend(registry: Registry, choice: str) -> None:
    registry.register(spec("small/1"), lambda: "small")
    registry.register(spec("big/1", "transformers"), lambda: "big")
    registry.select(EMBED, choice)
    registry.load_selected()
    assert registry.get(EMBED) == "big"
    assert registry.use(EMBED) == ModelUse(EMBED, "big/1")
    assert [(info.spec.model, info.state, info.selected) for info in registry.infos()] == [
        ("big/1", ModelState.READY, True),
        ("small/1", ModelState.AVAILABLE, False),
    ]


@pytest.mark.parametrize("choice", ["other/1", "numpy"], ids=["unknown", "several of that backend"])
def test_a_choice_must_be_one_model(registry: Registry, choice: str) -> None:
    registry.register(spec("a/1"), lambda: 1)
    registry.register(spec("b/1"), lambda: 2)
    with pytest.raises(ValueError, match="expected one of"):
        registry.select(EMBED, choice)


def test_an_id_is_taken_once_per_task(registry: Registry) -> None:
    registry.register(spec("a/1"), lambda: 1)
    registry.register(spec("a/1", task=Task.TEXT_EMBED), lambda: 1)
    with pytest.raises(ValueError, match="already"):
        registry.register(spec("a/1"), lambda: 1)


def test_a_stand_in_answers_and_says_why(registry: Registry) -> None:
    registry.register(spec("small/1"), lambda: "small")
    registry.register(spec("big/1"), Failing(9))
    registry.select(EMBED, "big/1", "small/1")
    registry.load_selected()
    assert registry.get(EMBED) == "small"
    assert registry.use(EMBED) == ModelUse(EMBED, "small/1", "stands in for big/1: no such folder")
    big, small = registry.infos()
    assert (big.state, big.selected, big.degraded_reason) == (ModelState.FAILED, True, "no such folder")
    assert (small.state, small.selected) == (ModelState.READY, False)


def unfit(model: str) -> None:
    raise ValueError(f"{model} answers with no numbers")


def test_a_model_that_fails_its_trial_counts_as_not_loaded(registry: Registry) -> None:
    registry.register(spec("small/1"), lambda: "small")
    registry.register(spec("big/1"), lambda: "big", unfit)
    registry.select(EMBED, "big/1", "small/1")
    registry.load_selected()
    assert registry.get(EMBED) == "small"
    assert registry.use(EMBED).degraded_reason == "stands in for big/1: big answers with no numbers"
    assert registry.infos()[0].state is ModelState.FAILED


def test_a_model_is_tried_once(registry: Registry) -> None:
    tried: list[str] = []
    registry.register(spec("a/1"), lambda: "a", tried.append)
    registry.select(EMBED, "a/1")
    registry.load_selected()
    registry.load_selected()
    assert tried == ["a"]


def test_without_a_stand_in_loading_fails_and_may_be_tried_again(registry: Registry) -> None:
    registry.register(spec("big/1"), Failing(1))
    registry.select(EMBED, "big/1")
    with pytest.raises(ModelUnavailableError, match="no such folder"):
        registry.load_selected()
    with pytest.raises(ModelUnavailableError):
        registry.use(EMBED)
    registry.load_selected()
    assert registry.get(EMBED) == "loaded"
    assert registry.use(EMBED).degraded_reason == ""


def test_loading_twice_loads_once(registry: Registry) -> None:
    loads: list[int] = []
    registry.register(spec("a/1"), lambda: loads.append(1) or "a")  # type: ignore[func-returns-value]
    registry.select(EMBED, "a/1")
    registry.load_selected()
    registry.load_selected()
    assert loads == [1]


class Doubler(Model[int, list[int], list[int], int]):
    spec = ModelSpec(EMBED, "doubler/1", "numpy", "Apache-2.0", "vitrine", "Doubles.", dimension=7)

    def pre_process(self, inputs: object) -> list[int]:
        return list(inputs)  # type: ignore[call-overload, no-any-return]

    def forward(self, tensors: list[int]) -> list[int]:
        assert tensors, "never called on an empty batch"
        return [2 * value for value in tensors]

    def post_process(self, raw: list[int], inputs: object) -> list[int]:
        del inputs
        return raw


def test_models_run_in_three_steps() -> None:
    assert Doubler().infer([1, 2]) == [2, 4]
    assert Doubler().infer([]) == []


def test_a_loaded_model_tells_what_only_it_knows(registry: Registry) -> None:
    registry.register(spec("doubler/1"), Doubler)
    registry.select(EMBED, "doubler/1")
    assert registry.infos()[0].spec.dimension == 0
    registry.load_selected()
    assert registry.infos()[0].spec.dimension == 7


def test_a_loaded_model_may_know_its_version(registry: Registry) -> None:
    registry.register(spec("doubler"), Doubler)
    registry.register(spec("small/1"), lambda: "small")
    registry.select(EMBED, "doubler", "small/1")
    registry.load_selected()
    assert registry.use(EMBED) == ModelUse(EMBED, "doubler/1")
    assert registry.answering(EMBED) == "doubler"
    registry.latency.record(EMBED, "doubler/1", 0.1)
    loaded = registry.infos()[0]
    assert (loaded.spec.model, loaded.selected, loaded.degraded_reason) == ("doubler/1", True, "")
    assert loaded.latency.calls == 1


def test_latencies_are_percentiles_of_the_latest_calls() -> None:
    seen: list[tuple[str, str, float]] = []
    recorder = LatencyRecorder(lambda *values: seen.append(values))
    assert recorder.latency("t", "m") == Latency()
    for millisecond in range(1, 101):
        recorder.record("t", "m", millisecond / 1000)
    found = recorder.latency("t", "m")
    assert found.calls == len(seen) == 100
    assert (found.p50_ms, found.p95_ms, found.p99_ms) == pytest.approx((50.5, 95.05, 99.01))
    for _ in range(512):
        recorder.record("t", "m", 0.5)
    assert recorder.latency("t", "m") == Latency(612, 500.0, 500.0, 500.0)


def test_a_failed_call_has_no_latency() -> None:
    recorder = LatencyRecorder()
    with pytest.raises(RuntimeError), recorder.measure("t", "m"):
        raise RuntimeError
    assert recorder.latency("t", "m").calls == 0
