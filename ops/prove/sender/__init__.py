"""Plays Seismic under load, as a process of its own: `python -m ops.prove.sender PLAN.json`."""
