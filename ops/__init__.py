"""What a person runs: the local stack, the sender simulator, the topic tool.

The running services need nothing of it.
"""
