"""Proof of no loss: a ledger of what was sent, faults, two readers, and a checker of the books."""
