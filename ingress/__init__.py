"""HTTP in, one record out: verifies a call, stores its raw bytes, answers once Kafka has them.

Never filters, never runs business logic, never answers 2xx from a buffer, never imports streams.
"""
