"""HTTP: who may call, what they send, what they get. Every answer comes from an entity; nothing is decided here.

Where to look: ``app.py`` puts it together · ``operations.py`` what a route declares · ``endpoint.py`` a request
from its first header to its last byte · ``audiences.py`` who may · ``problems.py`` how a no looks ·
``diner/``, ``staff/``, ``accounts.py``, ``ops.py`` the routes by audience · ``protocol.py``, ``server.py``
what a connection may do.
"""
