"""Small measurements with commands of their own: `python -m bench.micro.<name>`."""
