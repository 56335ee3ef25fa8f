"""Errors of a measurement.

BenchError
├── StartError    a program did not start
├── FeedError     a server refused an event
└── ClientError   a connection was refused, or answered by something other than a stream
"""

from __future__ import annotations


class BenchError(RuntimeError):
    """The question cannot be answered in this run."""


class StartError(BenchError):
    """A program did not start."""


class FeedError(BenchError):
    """A server refused an event, or closed the publisher's connection."""


class ClientError(BenchError):
    """A connection was refused, or answered by something other than a stream."""
