"""What happens around every RPC: who gets in, with what, and how failures leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from structlog.testing import capture_logs

from tests.services.mesh.probe import Keys, Running, failure_of

pytestmark = pytest.mark.service


async def stream_of(*requests: Any) -> AsyncIterator[Any]:
    for request in requests:
        yield request


async def call(running: Running, rpc: str, metadata: Any, *requests: Any) -> list[Any]:
    """Calls an RPC of any kind and gives all of its answers."""
    method = getattr(running.stub, rpc)
    argument = stream_of(*requests) if rpc in ("CollectEcho", "ExchangeEcho", "ReadWriteEcho") else requests[0]
    made = method(argument, metadata=metadata)
    if rpc in ("EchoMany", "ExchangeEcho", "ReadWriteEcho"):
        return [answer async for answer in made]
    return [await made]


ALL_KINDS = ["Echo", "EchoMany", "CollectEcho", "ExchangeEcho", "ReadWriteEcho"]


@pytest.mark.parametrize(
    ("rpc", "texts"),
    [
        ("Echo", ["hi"]),
        ("EchoMany", ["hi0", "hi1", "hi2"]),
        ("CollectEcho", ["hi,hi"]),
        ("ExchangeEcho", ["hi", "hi"]),
        ("ReadWriteEcho", ["hi", "hi"]),
    ],
)
async def test_every_kind_of_rpc_passes(running: Running, keys: Keys, rpc: str, texts: list[str]) -> None:
    request = running.request(text="hi", name="users/alice/things/1")
    answers = await call(running, rpc, keys.user(), request, request)
    assert [answer.text for answer in answers] == texts


@pytest.mark.parametrize("rpc", ALL_KINDS)
async def test_every_kind_of_rpc_checks_the_token(running: Running, rpc: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(running, rpc, (), running.request(text="hi"))
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason, failure.domain) == ("UNAUTHENTICATED", "TOKEN_MISSING", "vitrine.dev")


@pytest.mark.parametrize("rpc", ALL_KINDS)
async def test_every_kind_of_rpc_validates(running: Running, keys: Keys, rpc: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(running, rpc, keys.user(), running.request(text="x" * 11))
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason, failure.fields) == ("INVALID_ARGUMENT", "INVALID_FIELD", ["text"])


@pytest.mark.parametrize("rpc", ALL_KINDS)
async def test_every_kind_of_rpc_checks_the_owner(running: Running, keys: Keys, rpc: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(running, rpc, keys.user(), running.request(name="users/bob/things/1"))
    assert (failure_of(caught.value).code, failure_of(caught.value).reason) == ("PERMISSION_DENIED", "NOT_OWNER")


@pytest.mark.parametrize("rpc", ["CollectEcho", "ExchangeEcho", "ReadWriteEcho"])
@pytest.mark.parametrize(
    ("second", "code"),
    [({"text": "x" * 11}, "INVALID_ARGUMENT"), ({"name": "users/bob"}, "PERMISSION_DENIED")],
    ids=["rule", "owner"],
)
async def test_each_message_of_a_stream_is_checked(
    running: Running, keys: Keys, rpc: str, second: dict[str, str], code: str
) -> None:
    good = running.request(text="good")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(running, rpc, keys.user(), good, running.request(**second))
    assert failure_of(caught.value).code == code


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": "users/bob"}, "name"),
        ({"name": "users/alice2/things/1"}, "name"),
        ({"name": "users/-/things/1"}, "name"),
        ({"targets": [{"name": "users/alice"}, {"name": "users/bob"}]}, "targets.name"),
        ({"by_key": {"k": {"name": "users/bob"}}}, "by_key.name"),
        ({"left": {"name": "users/bob"}}, "left.name"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_names_of_others_are_refused_wherever_they_stand(
    running: Running, keys: Keys, fields: dict[str, Any], path: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.Echo(running.request(**fields), metadata=keys.user())
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == ("PERMISSION_DENIED", "NOT_OWNER")
    assert failure.message.startswith(f"{path} ")


@pytest.mark.parametrize("name", ["garbage", "users/", "users//things/1", "/users/alice", "products/1"])
async def test_name_below_no_user_is_bad_input(running: Running, keys: Keys, name: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.Echo(running.request(name=name), metadata=keys.user())
    failure = failure_of(caught.value)
    assert (failure.code, failure.fields) == ("INVALID_ARGUMENT", ["name"])


async def test_service_role_is_bound_by_no_owner(running: Running, keys: Keys) -> None:
    answer = await running.stub.Echo(running.request(name="users/bob"), metadata=keys.user("ingest", "service"))
    assert answer.subject == "ingest"


@pytest.mark.parametrize(
    ("rpc", "roles", "role_missing"),
    [
        ("OperateEcho", [], "operator"),
        ("OperateEcho", ["operator"], None),
        ("OperateEcho", ["service"], None),
        ("ServeEcho", [], "service"),
        ("ServeEcho", ["operator"], "service"),
        ("ServeEcho", ["service"], None),
    ],
)
async def test_roles(running: Running, keys: Keys, rpc: str, roles: list[str], role_missing: str | None) -> None:
    made = getattr(running.stub, rpc)(running.request(), metadata=keys.user("alice", *roles))
    if role_missing is None:
        assert (await made).subject == "alice"
        return
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await made
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == ("PERMISSION_DENIED", "ROLE_MISSING")
    assert failure.metadata == {"role": role_missing}


async def test_anonymous_rpc_needs_no_token(running: Running) -> None:
    assert (await running.stub.OpenEcho(running.request(text="hi"))).subject == ""


async def test_bytes_that_are_no_message_are_bad_input(running: Running, keys: Keys) -> None:
    raw: Any = running.channel.unary_unary("/vitrine.probe.v1.ProbeService/Echo")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await raw(b"\xff\xff\xff", metadata=keys.user())
    assert failure_of(caught.value).code == "INVALID_ARGUMENT"


async def test_unknown_rpc_is_unimplemented(running: Running, keys: Keys) -> None:
    raw: Any = running.channel.unary_unary("/vitrine.probe.v1.ProbeService/Nothing")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await raw(b"", metadata=keys.user())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("rpc", ["Echo", "EchoMany", "ExchangeEcho"])
async def test_message_above_the_limit_is_told_the_limit(running: Running, keys: Keys, rpc: str) -> None:
    limit = 1024 * 1024
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(running, rpc, keys.user(), running.request(text="x" * limit))
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == ("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE")
    assert failure.metadata["limit"] == str(limit)
    assert int(failure.metadata["actual"]) > limit


async def test_refused_calls_never_reach_the_servicer(running: Running, keys: Keys) -> None:
    running.servicer.entered.clear()
    for metadata, request in [
        ((), running.request()),
        (keys.user(), running.request(text="x" * 11)),
        (keys.user(), running.request(name="users/bob")),
    ]:
        with pytest.raises(grpc.aio.AioRpcError):
            await running.stub.Echo(request, metadata=metadata)
    assert running.servicer.entered == []


@pytest.mark.parametrize(
    ("act", "code", "reason", "extra"),
    [
        ("not_found", "NOT_FOUND", "RESOURCE_NOT_FOUND", {"metadata": {"name": "x"}}),
        ("two_fields", "INVALID_ARGUMENT", "INVALID_FIELD", {"fields": ["a.b[1]", "c"]}),
        ("full", "RESOURCE_EXHAUSTED", "CAPACITY_REACHED", {"retry_after_s": 2.5}),
        ("down", "UNAVAILABLE", "DEPENDENCY_UNAVAILABLE", {"metadata": {"dependency": "postgres"}}),
        ("foreign", "FAILED_PRECONDITION", "STATE_CONFLICT", {"message": "known"}),
        ("timeout", "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", {}),
        ("group", "NOT_FOUND", "RESOURCE_NOT_FOUND", {"message": "inner"}),
    ],
)
@pytest.mark.parametrize("rpc", ["Echo", "EchoMany", "ExchangeEcho"])
async def test_failures_of_the_servicer(
    running: Running, keys: Keys, rpc: str, act: str, code: str, reason: str, extra: dict[str, Any]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(running, rpc, keys.user(), running.request(act=f"raise:{act}"))
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == (code, reason)
    assert {name: getattr(failure, name) for name in extra} == extra


async def test_unforeseen_failure_tells_nothing_and_is_logged_once(running: Running, keys: Keys) -> None:
    with capture_logs() as lines, pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.Echo(running.request(act="raise:bug"), metadata=keys.user())
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == ("INTERNAL", "INTERNAL")
    assert "Alice" not in failure.message
    errors = [line for line in lines if line["log_level"] == "error"]
    assert [line["kind"] for line in errors] == ["ZeroDivisionError"]
    assert "probe.py" in errors[0]["where"]
    assert "Alice" not in str(lines)  # the text of a foreign exception may quote personal data


async def test_part_that_does_not_answer_is_logged(running: Running, keys: Keys) -> None:
    with capture_logs() as lines, pytest.raises(grpc.aio.AioRpcError):
        await running.stub.Echo(running.request(act="raise:down"), metadata=keys.user())
    warnings = [line for line in lines if line["log_level"] == "warning"]
    assert [(line["reason"], line["metadata"]) for line in warnings] == [
        ("DEPENDENCY_UNAVAILABLE", {"dependency": "postgres"})
    ]


async def test_many_violations_stay_below_the_header_limit(running: Running, keys: Keys) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.Echo(running.request(act="raise:long"), metadata=keys.user())
    assert len(failure_of(caught.value).fields) == 16
    assert len(dict(caught.value.trailing_metadata() or ())["grpc-status-details-bin"]) < 6000


async def test_abort_by_the_servicer_passes(running: Running, keys: Keys) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.Echo(running.request(act="abort"), metadata=keys.user())
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.DATA_LOSS, "by hand")


async def test_answers_before_a_failure_still_arrive(running: Running, keys: Keys) -> None:
    made = running.stub.EchoMany(running.request(text="n", act="raise:not_found"), metadata=keys.user())
    assert [(await made.read()).text, (await made.read()).text] == ["n0", "n1"]
    with pytest.raises(grpc.aio.AioRpcError):
        await made.read()


async def test_deadline_of_the_caller_is_known_to_the_servicer(running: Running, keys: Keys) -> None:
    answer = await running.stub.Echo(running.request(), metadata=keys.user(), timeout=2)
    assert 1.5 < answer.remaining_s <= 2.1  # gRPC rounds timeouts on the wire


async def test_unary_call_without_deadline_gets_the_default(running: Running, keys: Keys) -> None:
    answer = await running.stub.Echo(running.request(), metadata=keys.user())
    assert 4.5 < answer.remaining_s <= 5


async def test_stream_without_deadline_has_none(running: Running, keys: Keys) -> None:
    answers = await call(running, "ExchangeEcho", keys.user(), running.request(text="a", act="sleep:0.01"))
    assert [answer.text for answer in answers] == ["a"]


async def test_work_stops_at_the_deadline(running: Running, keys: Keys) -> None:
    running.servicer.cancelled.clear()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.Echo(running.request(act="sleep:30"), metadata=keys.user(), timeout=0.1)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(_until(lambda: running.servicer.cancelled == ["sleep"]), 20)


async def test_work_stops_when_the_caller_leaves(running: Running, keys: Keys) -> None:
    running.servicer.cancelled.clear()
    made = running.stub.ExchangeEcho(stream_of(running.request(act="sleep:30")), metadata=keys.user())
    await asyncio.sleep(0.1)
    made.cancel()
    await asyncio.wait_for(_until(lambda: running.servicer.cancelled == ["sleep"]), 20)


async def _until(condition: Any) -> None:
    while not condition():  # noqa: ASYNC110 - the servicer knows no events
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("abc-123", True), ("", False), ("x" * 65, False), ('a"b{}', False)],
    ids=["good", "empty", "long", "injection"],
)
async def test_request_id_is_kept_when_well_formed(running: Running, keys: Keys, sent: str, kept: bool) -> None:
    made = running.stub.Echo(running.request(), metadata=(*keys.user(), ("x-request-id", sent)))
    await made
    answered = dict(await made.trailing_metadata())["x-request-id"]
    assert (answered == sent) is kept
    assert answered


async def test_rpcs_are_counted_by_code(running: Running, keys: Keys) -> None:
    def count(code: str) -> float:
        labels = {"rpc": "vitrine.probe.v1.ProbeService/ReadEcho", "code": code}
        return running.server.runtime.metrics.registry.get_sample_value("vitrine_rpc_handled_total", labels) or 0

    before = count("OK"), count("NOT_FOUND"), count("UNAUTHENTICATED")
    await running.stub.ReadEcho(running.request(), metadata=keys.user())
    for metadata in (keys.user(), ()):
        with pytest.raises(grpc.aio.AioRpcError):
            await running.stub.ReadEcho(running.request(act="raise:not_found"), metadata=metadata)
    assert (count("OK"), count("NOT_FOUND"), count("UNAUTHENTICATED")) == tuple(value + 1 for value in before)


async def test_no_log_line_holds_a_message(running: Running, keys: Keys) -> None:
    with capture_logs() as lines, pytest.raises(grpc.aio.AioRpcError):
        await running.stub.Echo(running.request(text="dear diary", act="raise:bug"), metadata=keys.user())
    assert "diary" not in str(lines)
