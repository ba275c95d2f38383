"""The smallest Python Worker, for `bench/worker.py` to compare with."""

from typing import Any

from workers import Response, WorkerEntrypoint


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Response:  # noqa: ARG002
        return Response('"hello"')
