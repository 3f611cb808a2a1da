"""Load on OpenAI-compatible endpoints: one thread, epoll, raw sockets; several processes where one core is not enough.

`runner` is the entry, `drive` what one process does. `profile` checks what is asked for; `lengths`, `arrivals` and `pacing`
say how long requests are and when each begins; `targets`, `sizing`, `prompts` and `requests` make what is sent, `response`
understands what comes back; `connections`, `stream`, `traffic` and `loop` move the bytes and take the stamps into
`outcomes`; `part`, `histogram` and `report` make the measurement of them; `parallel` shares one load out to processes.
"""
