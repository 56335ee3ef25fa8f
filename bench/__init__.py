"""Measurements of the real streamer beside its peers: `python -m bench`.

The method, the same for every question:

* The server under test is pinned to one core; the client, the publishers and the NATS server share the others.
* The figure is events delivered per CPU-second of the server's processes (user + system, from /proc): it is stable on
  a noisy machine, where events per second are not. Beside it: resident memory per connection, and the time from
  publishing to the client.
* A window is a fixed number of events: it begins with the first publish and ends when the last watcher has the last
  event. Every watcher must have got every event, or the row says how many are missing, and no goal is met by it.
* Windows of the peers alternate, because machines drift: A B C, A B C. Each follows a second of the same load, because
  another server's turn leaves cold caches. The median of the windows counts, and the median of the ratios of the
  rounds.
* The client never sleeps while it measures: waking it would be charged to the server, which no client on another
  machine does. Where it is allowed, the publisher and NATS have a higher priority on their cores.
* Only ratios within one run are meaningful.

`scenarios/` has a module per question, `harness/` what they share, `peers/` the servers, `compare/` the comparison of
two commits, `micro/` small measurements with commands of their own.
"""
