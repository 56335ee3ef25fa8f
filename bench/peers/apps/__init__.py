"""The applications of the Python peers: `python -m bench.peers.apps.<name> <port> <NATS port>`."""
