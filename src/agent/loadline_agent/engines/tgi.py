"""Hugging Face's text-generation-inference, by its launcher."""

from typing import List

from .causes import ANY_TIME, AT_START, REFUSED_CONFIGURATION, TORCH_OUT_OF_MEMORY
from .failure import Cause, Remedy
from .kind import EngineKind, MetricNames


def socket_prefix(port: int) -> str:
    """The launcher adds `-<rank>` to it for each shard, and leaves the sockets (launcher/src/main.rs, `shard_manager`)."""
    return f"/tmp/loadline-tgi-{port}"


def arguments(host: str, port: int) -> List[str]:
    # Copies on one host must not meet at the socket between launcher and shards, nor at torch's port.
    return [
        *["--hostname", host, "--port", str(port)],
        *["--shard-uds-path", socket_prefix(port), "--master-port", str(port + 1 if port < 65535 else port - 1)],
    ]


CAUSES = (
    Cause(
        "out-of-memory",
        r"Not enough memory to handle (\d+) prefill tokens",
        "a full prefill does not fit: lower max-batch-prefill-tokens",
        (Remedy("max-batch-prefill-tokens", "lower", "the warm-up runs one prefill of so many tokens"),),
        "warm-up",
    ),
    Cause(
        "out-of-memory",
        TORCH_OUT_OF_MEMORY,
        "the GPU ran out of memory: lower max-batch-prefill-tokens or max-total-tokens, or use more shards",
        (
            Remedy("max-batch-prefill-tokens", "lower", "the activation peak grows with it"),
            Remedy("num-shard", "raise", "weights are divided among GPUs"),
        ),
    ),
    *ANY_TIME,
    *AT_START,
    Cause("refused", r"ShardCannotStart|ArgumentValidation|Shard process was signaled", "the launcher gave up; the shard's lines above say why"),
    REFUSED_CONFIGURATION,
)

PHASES = (
    ("capture", r"Cuda Graphs are enabled"),
    ("warm-up", r"Warming up model"),
    ("serving", r"text_generation_router.*Connected|: Connected$"),
)

TGI = EngineKind(
    name="tgi",
    label="TGI",
    arguments=arguments,
    documentation="https://huggingface.co/docs/text-generation-inference/reference/launcher",
    verified=None,
    # The launcher takes one from API_KEY, prints it with all its options, and hands it to the router as `--api-key`
    # (launcher/src/main.rs: `main`, `spawn_webserver`). So it is given none, nor one that the host has for something else.
    key_variable=None,
    withheld=("API_KEY",),
    causes=CAUSES,
    phases=PHASES,
    metrics=MetricNames(
        "/metrics",
        running=("tgi_batch_current_size",),
        waiting=("tgi_queue_size",),
        prompt_tokens=("tgi_request_input_length_sum",),
        generation_tokens=("tgi_request_generated_tokens_sum",),
    ),
    versions=(("/info", "version"),),
    # By its variable: releases without the option do not mind.
    variables=lambda host, port: {"PROMETHEUS_PORT": str(port + 2 if port < 65534 else port - 2)},
    takes_token_ids=False,
    socket_prefix=socket_prefix,
)
