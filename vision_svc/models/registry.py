"""Which models there are, which of them the settings choose, and which of those answer."""

import enum
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vision_svc.models.contract import ModelSpec, ModelUse, Task
from vision_svc.models.latency import Latency, LatencyRecorder

_log = logging.getLogger(__name__)


class ModelState(enum.Enum):
    """Where a model stands; names as `vitrine.vision.v1.Model.State`."""

    AVAILABLE = "available"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class ModelUnavailableError(Exception):
    """No model can answer for a task.

    Attributes:
        task: The task.
        model: The model that was asked for.
        reason: Why it cannot be used, in words.
    """

    def __init__(self, task: str, model: str, reason: str) -> None:
        super().__init__(f"{task}: {model}: {reason}")
        self.task, self.model, self.reason = task, model, reason


@dataclass(frozen=True)
class ModelInfo:
    """What `ListModels` tells of one model.

    Attributes:
        spec: What it is.
        state: Where it stands.
        selected: True when the settings choose it.
        degraded_reason: Why it stands in for another one, or why it failed; empty otherwise.
        latency: How it has done.
        load_ms: Time to load it, milliseconds.
    """

    spec: ModelSpec
    state: ModelState
    selected: bool
    degraded_reason: str
    latency: Latency
    load_ms: float


@dataclass
class _Entry:
    name: str
    spec: ModelSpec
    load: Callable[[], Any]
    trial: Callable[[Any], None] | None
    state: ModelState = ModelState.AVAILABLE
    model: Any = None
    error: str = ""
    load_ms: float = 0.0


class Registry:
    """Finds a model by (task, name or backend).

    Each task has entries and a selection. Loading makes the selected entry ready; when that fails and the task has a
    fallback, the fallback answers and every answer says why.
    """

    def __init__(self, latency: LatencyRecorder) -> None:
        self._entries: dict[Task, dict[str, _Entry]] = {}
        self._selected: dict[Task, str] = {}
        self._fallback: dict[Task, str] = {}
        self._lock = threading.Lock()
        self.latency = latency

    def register(self, spec: ModelSpec, load: Callable[[], Any], trial: Callable[[Any], None] | None = None) -> None:
        """Makes a model known.

        Args:
            spec: What it is; (task, model) is unique. A loaded model that has a `spec` of its own knows better, its id
                included: a branch of a hub becomes a commit.
            load: Loads it; raises when it cannot. It is called once.
            trial: Runs the loaded model once, which also warms it up; raises when it cannot run, or answers nonsense:
                then the model counts as not loadable. None where there is nothing to run.

        Raises:
            ValueError: The task has a model of this id already.
        """
        entries = self._entries.setdefault(spec.task, {})
        if spec.model in entries:
            raise ValueError(f"{spec.task} has a model {spec.model} already")
        entries[spec.model] = _Entry(spec.model, spec, load, trial)

    def select(self, task: Task, choice: str, fallback: str = "") -> None:
        """Chooses the model of a task.

        Args:
            task: The task.
            choice: The id of a model, or the name of a backend that one model of the task has.
            fallback: Likewise: what answers when the choice cannot be loaded; empty for none.

        Raises:
            ValueError: The task has no such model, or several of that backend.
        """
        self._selected[task] = self._find(task, choice)
        self._fallback[task] = self._find(task, fallback) if fallback else ""

    def load_selected(self) -> None:
        """Loads and tries what is selected, task by task; called at start, off the event loop.

        Raises:
            ModelUnavailableError: A selected model cannot be loaded and has no fallback that can.
        """
        for task, name in self._selected.items():
            if self._load(task, name):
                continue
            fallback = self._fallback[task]
            if not fallback or not self._load(task, fallback):
                raise ModelUnavailableError(task, name, self._entries[task][name].error)

    def get(self, task: Task) -> Any:  # noqa: ANN401 - what a model is depends on its task; callers annotate
        """Returns the model that answers for a task.

        Raises:
            ModelUnavailableError: None is ready.
        """
        return self._active(task).model

    def answering(self, task: Task) -> str:
        """Returns the id under which the model that answers for a task was registered; loaded, it may know a finer one.

        Raises:
            ModelUnavailableError: None is ready.
        """
        return self._active(task).name

    def use(self, task: Task) -> ModelUse:
        """Returns what an answer says about the model of a task."""
        entry = self._active(task)
        return ModelUse(task, entry.spec.model, self._stand_in_reason(task, entry))

    def infos(self) -> list[ModelInfo]:
        """Returns all models by task and id."""
        entries = [entry for task in sorted(self._entries) for _, entry in sorted(self._entries[task].items())]
        return [self._info(entry) for entry in entries]

    def _info(self, entry: _Entry) -> ModelInfo:
        task = entry.spec.task
        return ModelInfo(
            entry.spec,
            entry.state,
            self._selected.get(task) == entry.name,
            entry.error or self._stand_in_reason(task, entry),
            self.latency.latency(task, entry.spec.model),
            entry.load_ms,
        )

    def _active(self, task: Task) -> _Entry:
        name = self._selected.get(task, "")
        for candidate in (name, self._fallback.get(task, "")):
            entry = self._entries.get(task, {}).get(candidate)
            if entry is not None and entry.state is ModelState.READY:
                return entry
        entry = self._entries.get(task, {}).get(name)
        raise ModelUnavailableError(task, name, (entry.error if entry else "") or "it is not loaded")

    def _stand_in_reason(self, task: Task, entry: _Entry) -> str:
        name = self._selected.get(task, entry.name)
        if name == entry.name or self._fallback.get(task) != entry.name:
            return ""
        wanted = self._entries[task][name]
        return f"stands in for {name}: {wanted.error}" if wanted.state is ModelState.FAILED else ""

    def _load(self, task: Task, name: str) -> bool:
        entry = self._entries[task][name]
        with self._lock:
            if entry.state is ModelState.READY:
                return True
            entry.state, start = ModelState.LOADING, time.perf_counter()
            try:
                model = entry.load()
                entry.load_ms = (time.perf_counter() - start) * 1000
                if entry.trial is not None:
                    entry.trial(model)
            except Exception as error:  # noqa: BLE001 - whatever a backend raises: the model is not there
                entry.state, entry.error = ModelState.FAILED, _reason(error)
                _log.warning("model %s for %s cannot be used: %s", name, task, entry.error)
                return False
            entry.model, entry.state, entry.error = model, ModelState.READY, ""
            # What only the loaded model knows, such as the dimension of its vectors and its exact version.
            entry.spec = getattr(model, "spec", entry.spec)
            return True

    def _find(self, task: Task, choice: str) -> str:
        entries = self._entries.get(task, {})
        if choice in entries:
            return choice
        matches: Sequence[str] = [name for name, entry in entries.items() if entry.spec.backend == choice]
        if len(matches) != 1:
            raise ValueError(
                f"{task}: expected one of {sorted(entries)} or a backend that one of them has, got {choice!r}"
            )
        return matches[0]


def _reason(error: Exception) -> str:
    """Returns the first line of an error, short enough for an answer."""
    return (str(error).strip().splitlines() or [""])[0][:200] or type(error).__name__
