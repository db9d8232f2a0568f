"""Authorizers for Jupyter servers of their own processes."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth import Authorizer


class NoKernels(Authorizer):
    """Everybody may do everything but run kernels."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return (action, resource) != ("execute", "kernels")
