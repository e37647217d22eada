"""ModelService."""

from typing import Any

from vitrine.vision.v1 import model_service_pb2, model_service_pb2_grpc

from mesh.errors import InvalidInputError
from mesh.paging import clamp_page_size, decode_token, encode_token
from vision_svc.models.registry import ModelInfo, ModelState, Registry

_RPC = "ListModels"
_STATES = {
    ModelState.AVAILABLE: model_service_pb2.Model.STATE_AVAILABLE,
    ModelState.LOADING: model_service_pb2.Model.STATE_LOADING,
    ModelState.READY: model_service_pb2.Model.STATE_READY,
    ModelState.FAILED: model_service_pb2.Model.STATE_FAILED,
}


class ModelServicer(model_service_pb2_grpc.ModelServiceServicer):
    """Tells about the models of the registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def ListModels(
        self, request: model_service_pb2.ListModelsRequest, context: Any
    ) -> model_service_pb2.ListModelsResponse:
        """Lists models by task and name."""
        del context
        size = clamp_page_size(request.page_size)
        arguments = {"task": request.task}
        start = _start(decode_token(_RPC, arguments, request.page_token))
        infos = [info for info in self._registry.infos() if request.task in ("", info.spec.task)]
        page, more = infos[start : start + size], len(infos) > start + size
        token = encode_token(_RPC, arguments, [start + size]) if more else ""
        return model_service_pb2.ListModelsResponse(models=[_model(info) for info in page], next_page_token=token)


def _start(cursor: list[Any] | None) -> int:
    if cursor is None:
        return 0
    if len(cursor) != 1 or not isinstance(cursor[0], int) or cursor[0] < 0:
        raise InvalidInputError.of("page_token", "is damaged", "INVALID_PAGE_TOKEN")
    return cursor[0]


def _model(info: ModelInfo) -> model_service_pb2.Model:
    spec, latency = info.spec, info.latency
    return model_service_pb2.Model(
        name="models/" + spec.model.replace("/", "~"),
        model=spec.model,
        task=spec.task,
        version=spec.version,
        description=spec.description,
        license=spec.license,
        source=spec.source,
        backend=spec.backend,
        device=spec.device,
        state=_STATES[info.state],
        degraded=info.state is ModelState.READY and bool(info.degraded_reason),
        degraded_reason=info.degraded_reason,
        selected=info.selected,
        dimension=spec.dimension,
        sha256=spec.sha256,
        latency=model_service_pb2.ModelLatency(
            call_count=latency.calls,
            p50_ms=latency.p50_ms,
            p95_ms=latency.p95_ms,
            p99_ms=latency.p99_ms,
            load_ms=info.load_ms,
        ),
    )
