"""The one exception tree of the mesh.

Core code raises these; nothing here imports protobuf or gRPC. `mesh.status` turns them into a `google.rpc.Status`, in
one place. Reasons are the names in `vitrine/type/v1/error_reason.proto` without their prefix; a test holds that every
reason that the code names is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One rule that one field of a request breaks.

    Attributes:
        field: Path of the field in the request, in proto spelling: ``image.data``, ``products[3].price``.
        description: What was expected and what came.
    """

    field: str
    description: str


@dataclass(eq=False)
class VitrineError(Exception):
    """Base of every error that a caller may see.

    Attributes:
        message: One sentence for a developer. It never holds personal data.
        reason: Name of an `ErrorReason`, without prefix.
        metadata: Facts for machines, for example ``{"limit": "10485760"}``.
        violations: The fields at fault; they become a `BadRequest`.
        retry_after_s: When a retry makes sense, in seconds; becomes a `RetryInfo`.
    """

    message: str
    reason: str = "INTERNAL"
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Sequence[FieldViolation] = ()
    retry_after_s: float | None = None

    def __str__(self) -> str:
        """Returns the message."""
        return self.message


class InvalidInputError(VitrineError):
    """INVALID_ARGUMENT: the request is wrong whatever the state of the system."""

    @classmethod
    def of(cls, field_path: str, description: str, reason: str = "INVALID_FIELD", **metadata: str) -> InvalidInputError:
        """Makes the error for one field.

        Args:
            field_path: Path of the field in proto spelling.
            description: What was expected and what came.
            reason: Name of an `ErrorReason`.
            **metadata: Facts for machines.
        """
        return cls(f"{field_path}: {description}", reason, metadata, (FieldViolation(field_path, description),))


class UnauthenticatedError(VitrineError):
    """UNAUTHENTICATED: nobody, or nobody that we believe."""


class PermissionDeniedError(VitrineError):
    """PERMISSION_DENIED: we know who it is, and they may not."""


class NotFoundError(VitrineError):
    """NOT_FOUND: no such resource, or none that the caller may know of."""


class AlreadyExistsError(VitrineError):
    """ALREADY_EXISTS: the name or request id is taken."""


class FailedPreconditionError(VitrineError):
    """FAILED_PRECONDITION: the system is not in the state that this needs."""


class AbortedError(VitrineError):
    """ABORTED: somebody else changed it first; read and retry."""


class ResourceExhaustedError(VitrineError):
    """RESOURCE_EXHAUSTED: a limit is reached."""


class UnavailableError(VitrineError):
    """UNAVAILABLE: a part of the mesh does not answer now; a retry makes sense."""


class DeadlineExceededError(VitrineError):
    """DEADLINE_EXCEEDED: it took longer than the caller would wait."""


class NotImplementedYetError(VitrineError):
    """UNIMPLEMENTED: in the contract, not served by this version."""


class InternalError(VitrineError):
    """INTERNAL: our fault."""
