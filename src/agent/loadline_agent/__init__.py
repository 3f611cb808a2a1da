"""Loadline's agent: runs on a GPU host, speaks JSON lines (src/protocol/agent.ts), needs Python 3.8 and nothing else."""

import os

VERSION = "0.1.0"

#: Raised when a record changes its meaning; must equal `agentProtocol` in src/protocol/agent.ts.
PROTOCOL = 2

#: The zipapp, or the source folder: `python3 ROOT <verb>` starts the agent again.
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
