"""vLLM's OpenAI server, started by its own command."""

from typing import Dict, List

from .failure import Cause


def arguments(port: int) -> List[str]:
    return ["--host", "127.0.0.1", "--port", str(port)]


def environment(api_key: str) -> Dict[str, str]:
    # Not --api-key: arguments are seen by every user of the host, and vLLM prints them into its log.
    return {"VLLM_API_KEY": api_key}


#: `refused`: vLLM worked out that it will not fit and said so. `out-of-memory`: an allocation failed.
CAUSES = (
    Cause(
        "refused",
        r"Free memory on device .* is less than desired GPU memory utilization",
        "other processes hold memory of the GPU: free it, or lower gpu-memory-utilization",
    ),
    Cause(
        "refused",
        r"No available memory for the cache blocks",
        "weights and activations leave no memory for the KV cache: raise gpu-memory-utilization, or use a smaller model or more GPUs",
    ),
    Cause(
        "refused",
        r"To serve at least one request with the model's max seq len",
        "the KV cache is too small for one request of full length: lower max-model-len or raise gpu-memory-utilization",
    ),
    Cause(
        "out-of-memory",
        r"CUDA out of memory occurred when warming up (sampler|pooler) with \d+ dummy requests",
        "lower max-num-seqs or gpu-memory-utilization",
    ),
    Cause(
        "profiling-disturbed",
        r"Error in memory profiling.*[Ii]nitial free memory",
        "another process freed memory of the GPU while vLLM measured it: start again when the GPU is quiet",
    ),
    Cause(
        "out-of-memory",
        r"OutOfMemoryError|CUDA out of memory|CUDA error: out of memory|CUDA runtime error in .*: out of memory|The GPU ran out of memory",
        "the GPU ran out of memory: lower gpu-memory-utilization, max-num-batched-tokens or max-num-seqs, or use more GPUs",
    ),
    Cause(
        "port-in-use",
        r"[Aa]ddress already in use|\[Errno 98\]",
        "another process took the port between choosing and binding it",
    ),
    Cause(
        "refused",
        r"unrecognized arguments|error: argument |invalid choice",
        "vLLM does not take these flags: check them against its version",
    ),
    Cause("refused", r"\bValidationError\b|\bValueError: ", "vLLM refused the configuration"),
)
