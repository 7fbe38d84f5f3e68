"""How fast geophone is, beside what else one could run: `python -m bench --help`."""
