"""What captures add to the settings of ingest."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingest_svc.captures.search import PersonalWeights
from mesh.settings import ENV_PREFIX


class CaptureSettings(BaseSettings):
    """A part of `ingest_svc.settings.IngestSettings`; the worker uses the same settings as the server."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    capture_queue_limit: int = Field(
        default=100, ge=1, description="Captures that one user may have waiting or in work; more are refused."
    )
    capture_max_attempts: int = Field(
        default=8, ge=1, le=100, description="Attempts at a capture before it fails, those of killed workers included."
    )
    capture_degrade_after_attempts: int = Field(
        default=4, ge=1, le=100,
        description="Attempts after which a capture succeeds without products or taste when only these are missing.",
    )  # fmt: skip
    capture_retry_first_s: float = Field(
        default=1.0, gt=0, description="Wait after the first failed attempt, in seconds; it doubles each time."
    )
    capture_retry_longest_s: float = Field(
        default=30.0, gt=0, description="Longest wait between two attempts, in seconds."
    )
    taste_retry_longest_s: float = Field(
        default=60.0, gt=0,
        description="Longest wait between two attempts at telling the profile of a capture that succeeded while it was "
        "away, in seconds.",
    )  # fmt: skip
    analyze_deadline_s: float = Field(default=15.0, gt=0, description="Time limit of a call to vision, in seconds.")
    match_deadline_s: float = Field(default=5.0, gt=0, description="Time limit of a call to retrieval, in seconds.")
    record_deadline_s: float = Field(default=5.0, gt=0, description="Time limit of a call to the profile, in seconds.")
    context_deadline_s: float = Field(
        default=1.0, gt=0,
        description="Time limit of asking the profile for whom products are ranked, in seconds; then they are ranked "
        "as for anybody.",
    )  # fmt: skip
    personal_ranking: bool = Field(
        default=True, description="Whether products are ranked by what the profile allows to be known about the user."
    )
    personal_taste_weight: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="What likeness to the user's taste counts in a score, where the garment has 0.6.",
    )
    personal_size_weight: float = Field(
        default=0.1, ge=0, le=1, description="What it counts in a score that a product comes in the user's size."
    )
    personal_season_weight: float = Field(
        default=0.1, ge=0, le=1, description="What it counts in a score that a colour suits the user's colour season."
    )
    privacy_deadline_s: float = Field(
        default=60.0, gt=0, description="Time limit of exporting or erasing another service's part, in seconds."
    )
    watch_heartbeat_s: float = Field(
        default=15.0, gt=0, description="Silence after which WatchCapture sends a sign of life, in seconds."
    )
    max_watches: int = Field(
        default=500, ge=1, description="Captures that are watched at once on this server; more are refused."
    )
    max_watches_per_user: int = Field(
        default=20, ge=1, description="Captures that one user watches at once on this server; more are refused."
    )
    worker_concurrency: int = Field(default=4, ge=1, le=64, description="Captures that one worker has in work at once.")
    worker_grpc_port: int = Field(
        default=50055, ge=0, le=65535, description="Port of the worker's gRPC health service; 0 takes a free one."
    )
    worker_metrics_port: int = Field(
        default=9105, ge=0, le=65535, description="Port of the worker's `/metrics`; 0 takes a free one."
    )
    worker_poll_s: float = Field(
        default=0.5, gt=0, description="How often the worker looks for jobs that it was not told of, in seconds."
    )
    worker_heartbeat_s: float = Field(
        default=5.0, gt=0, description="How often a worker says that it lives, in seconds."
    )
    worker_stalled_s: float = Field(
        default=20.0,
        gt=0,
        description="Silence after which a worker counts as dead and its jobs run again, in seconds.",
    )
    worker_recovery_s: float = Field(
        default=5.0, gt=0, description="How often a worker looks for stalled jobs and lost captures, in seconds."
    )
    orphan_sweep_s: float = Field(
        default=3600.0, gt=0, description="How often objects without a capture are looked for, in seconds."
    )
    orphan_age_s: float = Field(
        default=3600.0, gt=0, description="Age from which an object without a capture is removed, in seconds."
    )
    summary_webhook_url: str | None = Field(
        default=None, description="Where a summary of every processed capture is sent, beside the users' own addresses."
    )
    summary_webhook_secret: SecretStr | None = Field(
        default=None, description="Key of the signature (HMAC-SHA256) of these summaries."
    )
    user_webhooks: bool = Field(
        default=True, description="Whether summaries are sent to the addresses that users set in their profiles."
    )
    webhook_allow_private: bool = Field(
        default=False,
        description="Whether summaries may go to private, loopback and link-local addresses, and over plain http.",
    )
    webhook_max_attempts: int = Field(default=6, ge=1, le=50, description="Attempts at sending one summary.")
    webhook_timeout_s: float = Field(default=10.0, gt=0, description="Time limit of sending a summary, in seconds.")

    def personal_weights(self) -> PersonalWeights | None:
        """Returns how much what is known about a user counts in a search; None where it does not."""
        if not self.personal_ranking:
            return None
        return PersonalWeights(self.personal_taste_weight, self.personal_size_weight, self.personal_season_weight)
