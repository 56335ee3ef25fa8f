"""What the questions share: processes, NATS, clients, publishers, windows, results."""
