"""Putting Kaifan together and keeping it running: settings, embedded servers, silos on Ray, the command line."""
