"""Follows signed events of a synthetic tenant through an installation that runs, without faults.

Made for cron: `run.run` returns 0 if all is well, 1 if an event is lost, twice there, out of
order, late or refused, 2 if that could not be judged. Its events are of type TestWebhookEventV1,
from which nothing follows (no CRM task), and of a tenant that consumers should ignore.
"""
