"""The contract between ingress, streams and everyone who reads the topics.

Pure: no I/O, no environment, no framework. What is here decides what the bytes on the wire mean;
how they get there is the business of the processes.
"""
