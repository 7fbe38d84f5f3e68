"""The connector to Microsoft Dataverse, the database of Dynamics 365 Sales.

A task's key is its row's id, so that the row itself is the memory of having been made: a second
creation is refused (412) and changes nothing. The memory goes with the row. A task that a person
deleted is made anew should its command come again, which takes a crash between Dataverse's answer
and our commit, or an operator who reads the topic anew; completed and cancelled tasks stay.
"""

from streams.crm.dynamics.connector import connect
from streams.crm.dynamics.options import Options

__all__ = ["Options", "connect"]
