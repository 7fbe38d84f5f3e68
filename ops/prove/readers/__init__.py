"""Two readers of one history, of different make: one while the faults run, one after the end."""
