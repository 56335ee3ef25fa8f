"""Measurements of the real streamer beside its peers: `python -m bench`.

The method, the same for every question:

* The server under test is pinned to one core; the client, the publishers and the NATS server share the others.
* The figure is events delivered per CPU-second of the server's processes (user + system, from /proc): it holds on a
  noisy machine, where events per second do not. Beside it: resident memory per connection, and the time from
  publishing to the client.
* A window is a fixed number of events: it begins with the first publish and ends when the last watcher has the last
  event. Every watcher must have got every one, or the row says how many are missing, and no goal is met by it.
* Windows of the peers alternate, because machines drift: A B C, A B C. Each comes right after a second of the same
  load, because another server's turn leaves cold caches. The median of the windows counts, and the median of the
  ratios of the rounds.
* The client never sleeps while it measures: the kernel would wake it for every other event at the server's expense,
  and no client on another machine costs that. Where it is allowed, the publisher and NATS go before it on their cores.
* Only ratios of one run mean something.
"""
