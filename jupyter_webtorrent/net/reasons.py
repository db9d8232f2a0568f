"""Why aiohttp could not connect, in one plain line for a person."""

from __future__ import annotations

import errno
import os
import ssl

import aiohttp


def plain_reason(error: Exception) -> str | None:
    """The line for a failure of DNS, TCP or TLS; None if the other side was reached and answered wrongly."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its TLS certificate is not valid: {_tls_detail(error.certificate_error)}"
        case aiohttp.ClientSSLError():
            return f"TLS failed: {_tls_detail(error.os_error)}"
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} does not resolve"
        case TimeoutError():
            return "it did not answer in time"
        case aiohttp.ServerDisconnectedError() | OSError(errno=errno.ECONNRESET | errno.EPIPE):
            return "it closed the connection before it answered"
        case aiohttp.ClientConnectorError():
            return _system_line(error.os_error)
        case OSError():
            return _system_line(error)
    return None


def _tls_detail(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return getattr(error, "reason", None) or type(error).__name__


def _system_line(error: OSError) -> str:
    if error.errno is None:
        # Several addresses were tried, each with an error of its own.
        return "connection refused" if "refused" in str(error).lower() else "it cannot be reached"
    return os.strerror(error.errno).lower()
