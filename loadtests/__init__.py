"""Load from outside: benchmarks against peers, a storming client, and the audit of what it was told.

Nothing here imports Kaifan: every subject, Kaifan too, is a process that is spoken to over HTTP.

Where to look: ``bench.py`` (the command), ``cases.py`` (what is asked of every subject), ``subjects.py`` (who
is measured), ``peers/`` (the others' servers, one file each), ``generator.py`` (the load), ``history.py``
(what clients saw), ``checker.py`` (is that history possible?), ``auditor.py`` (does the store agree?),
``client.py`` (a patient client for the chaos tests).
"""
