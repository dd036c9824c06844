"""Servers that ``kaifan serve`` starts by itself: mongod and valkey, in the data folder, on loopback only."""

from cluster.embedded.failure import EmbeddedFailure
from cluster.embedded.folder import DataFolder
from cluster.embedded.keeper import Keeper
from cluster.embedded.mongod import EmbeddedMongod
from cluster.embedded.valkey import EmbeddedValkey

__all__ = ["DataFolder", "EmbeddedFailure", "EmbeddedMongod", "EmbeddedValkey", "Keeper"]
