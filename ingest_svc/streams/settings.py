"""What live streams add to the settings of ingest."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingest_svc.streams.events import Limits
from mesh.settings import ENV_PREFIX


class StreamSettings(BaseSettings):
    """A part of `ingest_svc.settings.IngestSettings`."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    http_port: int = Field(
        default=50061, ge=0, le=65535, description="Port of WebSockets and `/health`; 0 takes a free one."
    )
    max_streams: int = Field(
        default=200, ge=1, description="Streams that this process serves at once; more are refused."
    )
    max_streams_per_user: int = Field(
        default=20, ge=1, description="Streams of one user, over all processes; more are refused."
    )
    capacity_retry_s: float = Field(
        default=5.0, gt=0,
        description="When a client that found no seat is told to come again, in seconds, give or take a fifth.",
    )  # fmt: skip
    max_loop_lag_s: float = Field(
        default=0.5, gt=0,
        description="How late the event loop may be, as the median of 2 seconds, before new streams are refused; they "
        "are taken again below half of it. In seconds.",
    )  # fmt: skip
    max_waiting_pictures: int = Field(
        default=64, ge=1,
        description="Pictures that may wait to be decoded, as the median of 2 seconds, before new streams are refused; "
        "they are taken again below half of it.",
    )  # fmt: skip
    max_frame_rate_fps: float = Field(
        default=240.0, gt=0, description="Frames per second of one user over all streams, in whichever process; those "
        "above are rejected undecoded. `inf` for no limit.",
    )  # fmt: skip
    frame_burst_s: float = Field(
        default=5.0, gt=0,
        description="How much of that rate may come at once, as after a stall of the network, in seconds of it.",
    )  # fmt: skip
    max_session_s: float = Field(
        default=4 * 3600.0, gt=0, description="Longest stream session over all of its connections, in seconds."
    )
    max_kept_results: int = Field(
        default=200, ge=1, description="Unacknowledged results kept per session; the oldest go first."
    )
    resume_window_s: float = Field(
        default=900.0, gt=0, description="How long after its last connection a session can be resumed, in seconds."
    )
    max_result_age_s: float = Field(
        default=3600.0, gt=0,
        description="How long a result waits to be acknowledged before it is removed, in seconds; never less than "
        "`resume_window_s`.",
    )  # fmt: skip
    stream_save_s: float = Field(
        default=5.0, gt=0,
        description="How often a stream's totals are kept: what a killed process forgets of them at most, in seconds.",
    )  # fmt: skip
    max_frame_delay_s: float = Field(
        default=5.0, gt=0, description="Frames further behind the shortest way than this are late, in seconds."
    )
    max_frame_pixels: int = Field(default=12_000_000, ge=20_000, description="Largest frame, in pixels.")
    keyframe_long_side_px: int = Field(
        default=640,
        ge=160,
        le=1920,
        description="Longer side of the picture that a keyframe is understood by, in pixels.",
    )
    session_sweep_s: float = Field(
        default=300.0, gt=0,
        description="How often sessions that can no longer be resumed, and results past their time, are removed, in "
        "seconds.",
    )  # fmt: skip
    cookie_name: str = Field(
        default="vitrine_token", description="Cookie that a browser may send its token in when it opens a WebSocket."
    )
    websocket_origins: str = Field(
        default="", description="Origins beside its own that a browser page may open a WebSocket from, comma-separated."
    )
    health_timeout_s: float = Field(
        default=1.0, gt=0, description="How long `/health` waits for each service, in seconds."
    )

    def limits(self, max_message_bytes: int) -> Limits:
        """Returns what this server takes.

        Args:
            max_message_bytes: Largest message of any transport, bytes.
        """
        return Limits(
            max_streams=self.max_streams,
            max_streams_per_user=self.max_streams_per_user,
            max_message_bytes=max_message_bytes,
            max_frame_pixels=self.max_frame_pixels,
            max_session_s=self.max_session_s,
            max_kept_results=self.max_kept_results,
            resume_window_s=self.resume_window_s,
            max_frame_delay_s=self.max_frame_delay_s,
            max_frame_rate_fps=self.max_frame_rate_fps,
            frame_burst_s=self.frame_burst_s,
            capacity_retry_s=self.capacity_retry_s,
            # Well within the window, so that nobody takes a stream without keyframes for an abandoned one.
            save_interval_s=min(self.stream_save_s, self.resume_window_s / 3),
        )
