"""One row of a public load generator against the mock server: what it reports, and what its process tree took.

`publicClient.py TOOL PROGRAM PORT STREAMS REQUESTS`; prints one JSON document. TOOL is vllm, aiperf or guidellm; PROGRAM its
executable. Start-up is taken off by a run of one request before.
"""

import glob
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile

OUTPUT_TOKENS = 100
SECONDS = 240


def tokenizer(folder):
    """A byte as a token, written as GPT-2 does: the tools want a tokenizer, and none is to be downloaded."""
    os.makedirs(folder, exist_ok=True)
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable}
    letters.update({byte: chr(256 + at) for at, byte in enumerate(others)})
    vocabulary = {"<end>": 0, **{letters[byte]: byte + 1 for byte in range(256)}}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    document = {
        "version": "1.0",
        **dict.fromkeys(("truncation", "padding", "normalizer", "post_processor")),
        "added_tokens": [],
        "pre_tokenizer": level,
        "decoder": level,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
    }
    for name, content in (
        ("tokenizer.json", document),
        ("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<end>"}),
    ):
        with open(os.path.join(folder, name), "w") as file:
            json.dump(content, file)
    return folder


def vllm(program, port, streams, requests, folder):
    return [program, "bench", "serve", "--backend", "openai", "--base-url", f"http://127.0.0.1:{port}"] + [
        *("--endpoint", "/v1/completions", "--model", "mock", "--tokenizer", tokenizer(os.path.join(folder, "tokenizer"))),
        *("--dataset-name", "random", "--random-input-len", "32", "--random-output-len", str(OUTPUT_TOKENS)),
        *("--num-prompts", str(requests), "--max-concurrency", str(streams), "--request-rate", "inf", "--ignore-eos"),
        *("--save-result", "--result-dir", folder, "--result-filename", "result.json", "--disable-tqdm"),
    ]


def vllm_result(folder):
    with open(os.path.join(folder, "result.json")) as file:
        result = json.load(file)
    return {
        "ttftP50Ms": result["median_ttft_ms"],
        "completed": result["completed"],
        "seconds": result["duration"],
        "gapP50Ms": result.get("median_itl_ms"),
    }


def aiperf(program, port, streams, requests, folder):
    return [program, "profile", "-m", "mock", "-u", f"http://127.0.0.1:{port}", "--endpoint-type", "completions"] + [
        *("--streaming", "--concurrency", str(streams), "--request-count", str(requests), "--isl", "32"),
        *("--osl", str(OUTPUT_TOKENS), "--tokenizer", tokenizer(os.path.join(folder, "tokenizer"))),
        *("--use-server-token-count", "--artifact-dir", os.path.join(folder, "artifacts"), "--ui", "none"),
    ]


def aiperf_result(folder):
    (path,) = glob.glob(os.path.join(folder, "**", "profile_export_aiperf.json"), recursive=True)
    with open(path) as file:
        result = json.load(file)
    return {
        "ttftP50Ms": result["time_to_first_token"]["p50"],
        "completed": int(result["request_count"]["avg"]),
        "seconds": result["benchmark_duration"]["avg"],
        "gapP50Ms": (result.get("inter_chunk_latency") or {}).get("p50"),
    }


def guidellm(program, port, streams, requests, folder):
    model = tokenizer(os.path.join(folder, "tokenizer"))
    return [program, "run", "--disable-console"] + [
        *("--backend", f"kind=openai_http,target=http://127.0.0.1:{port},model=mock,request_format=/v1/completions"),
        *("--tokenizer", f"kind=hf_auto,model={model}"),
        *("--data", f"kind=synthetic_text,prompt_tokens=32,output_tokens={OUTPUT_TOKENS}"),
        *("--profile", f"kind=concurrent,streams={streams}", "--constraint", f"kind=max_requests,count={requests}"),
        *("--output", f"kind=json,path={folder}/result.json"),
    ]


def guidellm_result(folder):
    with open(os.path.join(folder, "result.json")) as file:
        benchmark = json.load(file)["benchmarks"][0]
    metrics = benchmark["metrics"]
    return {
        "ttftP50Ms": metrics["time_to_first_token_ms"]["successful"]["percentiles"]["p50"],
        "completed": metrics["time_to_first_token_ms"]["successful"]["count"],
        "seconds": benchmark["duration"],
        "gapP50Ms": metrics["inter_token_latency_ms"]["successful"]["percentiles"]["p50"],
    }


TOOLS = {"vllm": (vllm, vllm_result), "aiperf": (aiperf, aiperf_result), "guidellm": (guidellm, guidellm_result)}


def run(tool, program, port, streams, requests):
    """What it reports, and the CPU seconds of its whole process tree."""
    command, result = TOOLS[tool]
    with tempfile.TemporaryDirectory(prefix="loadline-bench-") as folder:
        environment = {**os.environ, "HOME": folder, "AIPERF_HTTP_CONNECTION_LIMIT": "8192"}
        if tool != "aiperf":
            # Told to be offline, aiperf takes a folder for the name of a model.
            environment["HF_HUB_OFFLINE"] = "1"
        environment.update(CUDA_VISIBLE_DEVICES="", VLLM_NO_USAGE_STATS="1", DO_NOT_TRACK="1")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        log = os.path.join(folder, "log")
        with open(log, "wb") as said:
            process = subprocess.Popen(
                command(program, port, streams, requests, folder),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=environment,
                start_new_session=True,
            )
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            sys.exit(f"{tool} had no result after {SECONDS} s")
        finally:
            # Its workers too.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            reported = result(folder)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            with open(log, errors="replace") as file:
                sys.exit(f"{tool} gave no result (exit status {process.returncode}): {file.read()[-1500:]}")
    return reported, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(tool, program, port, streams, requests):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    _, start_up = run(tool, program, port, 1, 1)
    reported, cpu = run(tool, program, port, streams, requests)
    events = reported["completed"] * OUTPUT_TOKENS
    return {
        "tool": tool,
        "streams": streams,
        **reported,
        "eventsPerSecond": events / reported["seconds"],
        "cpuSeconds": cpu - start_up,
        "eventsPerCpuSecond": events / max(0.01, cpu - start_up),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))))
