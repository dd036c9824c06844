"""Screens that follow: WebSockets per table and per store (X1).

``routes.py`` says what can be followed and by whom, ``desk.py`` holds what a silo's sockets share, ``socket.py`` is
one of them, ``frames.py`` RFC 6455.
"""
