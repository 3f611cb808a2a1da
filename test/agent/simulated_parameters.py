"""A SimulatedEngine document for tests, quick and without noise unless told otherwise."""

from typing import Any, Dict


def simulated(**changes: Any) -> Dict[str, Any]:
    return dict(
        {
            "modelName": "simulated-model",
            "engineVersion": "0.26.0",
            "startupSeconds": 0,
            "start": {"outcome": "serves"},
            "logLines": ["INFO (simulated) Initializing an LLM engine"],
            "maxModelLen": 2048,
            "maxNumSeqs": 8,
            "maxNumBatchedTokens": 512,
            "kvBlocks": 1000,
            "blockSize": 16,
            "step": {"baseMs": 1, "perSequenceMs": 0.01, "perKvTokenMs": 0.0001, "perPrefillTokenMs": 0.01},
            "noise": {"relativeDeviation": 0, "seed": 1},
        },
        **changes,
    )
