"""Bytes of every kind, steered by what they reach in the code: `make fuzz`."""
