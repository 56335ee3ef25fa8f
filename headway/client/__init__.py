"""A client of the streamer for Python. Needs `headway[cli]`."""

from headway.client.client import Client, ClientError, Watched

__all__ = ["Client", "ClientError", "Watched"]
