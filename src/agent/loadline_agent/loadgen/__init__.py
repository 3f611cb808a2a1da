"""Closed-loop load on an OpenAI-compatible endpoint: one thread, epoll, raw sockets.

`runner` is the entry. `requests` makes what is sent, `response` understands what comes back, `loop` moves the bytes and
takes the stamps, `report` and `histogram` make the measurement of it.
"""
