"""Clients of the streamer for Python: `Client` for asyncio, `SyncClient` for all other code. Need `headway[cli]`."""

from headway.client.client import Client
from headway.client.event_stream import Watched
from headway.client.report import Report
from headway.client.signing import sign_token
from headway.client.sync_client import SyncClient
from headway.client.task_pages import DeadLetterPage, TaskFilters, TaskPage
from headway.client.upload import UploadedFile
from headway.errors import ClientError

__all__ = [
    "Client",
    "ClientError",
    "DeadLetterPage",
    "Report",
    "SyncClient",
    "TaskFilters",
    "TaskPage",
    "UploadedFile",
    "Watched",
    "sign_token",
]
