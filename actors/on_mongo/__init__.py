"""The runtime's stores on MongoDB: journal, members, placement, reminders, snapshots, quarantine.

Start at :func:`actors.on_mongo.stores.open_stores`. Every write is a majority write with journaling; every read that
decides something reads from the primary what a majority has.
"""

from actors.on_mongo.stores import MongoStores, NotUsable, open_stores

__all__ = ["MongoStores", "NotUsable", "open_stores"]
