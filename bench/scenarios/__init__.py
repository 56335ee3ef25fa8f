"""One module per question, each with a function `measure(mode)` that returns a `Section`."""
