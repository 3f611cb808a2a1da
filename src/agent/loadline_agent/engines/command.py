"""Any OpenAI-compatible server that is started by a command and has a health URL.

It is told host and port by `{host}` and `{port}` in its command, and by HOST and PORT in its environment.
"""

from .causes import ANY_TIME, AT_START, REFUSED_CONFIGURATION, TORCH_OUT_OF_MEMORY
from .failure import Cause
from .kind import EngineKind

CAUSES = (
    Cause("out-of-memory", TORCH_OUT_OF_MEMORY + r"|cudaMalloc failed: out of memory", "the GPU ran out of memory"),
    *ANY_TIME,
    *AT_START,
    REFUSED_CONFIGURATION,
)

COMMAND = EngineKind(
    name="command",
    label="command",
    arguments=lambda host, port: [],
    documentation=None,
    verified=None,
    # Given to it; whether it asks for it is its own affair.
    key_variable="LOADLINE_ENGINE_API_KEY",
    causes=CAUSES,
    phases=(("serving", r"Application startup complete|Uvicorn running on"),),
    metrics=None,
    health_may_lack=True,
    variables=lambda host, port: {"HOST": host, "PORT": str(port)},
    keeps_name=False,
    takes_token_ids=False,
)
