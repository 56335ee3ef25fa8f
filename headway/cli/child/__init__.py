"""Commands whose output is reported: their processes, and the progress that they print."""
