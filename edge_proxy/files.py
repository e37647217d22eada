"""How the dashboard's files are served: their types, and the headers that tell browsers what its pages may do."""

from __future__ import annotations

from collections.abc import Mapping

CONTENT_TYPES: Mapping[str, str] = {
    "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
    "json": "application/json", "webmanifest": "application/manifest+json", "svg": "image/svg+xml", "png": "image/png",
    "jpg": "image/jpeg", "webp": "image/webp", "ico": "image/x-icon", "woff2": "font/woff2", "wasm": "application/wasm",
    "map": "application/json", "txt": "text/plain; charset=utf-8",
}  # fmt: skip
# All from our own origin. Pictures are read with a token and shown as `blob:`; decoders may run in workers.
_CONTENT_SECURITY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "font-src": "'self'",
    "img-src": "'self' blob: data:", "media-src": "'self' blob:", "connect-src": "'self'", "worker-src": "'self' blob:",
    "manifest-src": "'self'", "base-uri": "'none'", "form-action": "'self'", "frame-ancestors": "'none'",
}  # fmt: skip


def page_headers(*, tls: bool) -> dict[str, str]:
    """Gives the headers that go out with every file of the dashboard.

    Args:
        tls: Whether the edge itself speaks TLS; then browsers are told to stay with it.
    """
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in _CONTENT_SECURITY.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(self), screen-wake-lock=(self), microphone=(), geolocation=(), usb=()",
    }
    return headers | ({"strict-transport-security": "max-age=31536000"} if tls else {})
