"""A CRM to try things on: keeps tasks in one SQLite file, shows them on a page, fails on demand.

It follows the contract of `streams/crm/webhook.py` and never loses or doubles a task, so that a
lost or doubled task is always somebody else's doing. It has no log-in: bind it to a loopback or
test network only.
"""
