"""Applications of the task queues: each runs a job that does nothing but count."""
