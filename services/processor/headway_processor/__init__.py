"""The processor service."""

from headway.jetstream.websocket import import_nats

import_nats()
