"""Engines and benchmark tools: commands and Python packages in PATH, virtual environments and conda, without starting Python."""

import glob
import os
import re
import shutil
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from .parts import PartFailed, run_command


class Program(NamedTuple):
    name: str
    command: str
    #: Its Python distribution, whose metadata tells the version without importing torch.
    distribution: Optional[str] = None
    #: Option that prints the version of a program that is no Python.
    version_option: Optional[str] = None


ENGINES = (
    Program("vllm", "vllm", "vllm"),
    Program("sglang", "sglang", "sglang"),
    Program("tensorrt-llm", "trtllm-serve", "tensorrt_llm"),
    Program("lmdeploy", "lmdeploy", "lmdeploy"),
    Program("llama.cpp", "llama-server", None, "--version"),
    Program("tgi", "text-generation-launcher", None, "--version"),
    Program("triton", "tritonserver"),
)
BENCHMARK_TOOLS = (
    Program("aiperf", "aiperf", "aiperf"),
    Program("genai-perf", "genai-perf", "genai_perf"),
    Program("genai-bench", "genai-bench", "genai_bench"),
    Program("guidellm", "guidellm", "guidellm"),
    Program("inference-perf", "inference-perf", "inference_perf"),
    Program("trtllm-bench", "trtllm-bench", "tensorrt_llm"),
    Program("llama-bench", "llama-bench"),
)

#: Where people keep environments, under the home folder and elsewhere. `*` matches one level.
ENVIRONMENT_PLACES = (
    ("venv", "~/*venv*"),
    ("venv", "~/.venv*"),
    ("venv", "~/*/.venv"),
    ("venv", "~/*/venv"),
    ("venv", "~/.virtualenvs/*"),
    ("venv", "/venv"),
    ("venv", "/opt/*"),
    ("venv", "/workspace/*venv*"),
    ("conda", "~/miniconda3"),
    ("conda", "~/miniconda3/envs/*"),
    ("conda", "~/miniforge3"),
    ("conda", "~/miniforge3/envs/*"),
    ("conda", "~/anaconda3"),
    ("conda", "~/anaconda3/envs/*"),
    ("conda", "~/.conda/envs/*"),
    ("conda", "/opt/conda"),
    ("conda", "/opt/conda/envs/*"),
)
MOST_ENVIRONMENTS = 200
PACKAGES = ("lib/python3*/site-packages", "lib/python3*/dist-packages", "lib/python3/dist-packages")
VERSION_SECONDS = 5
#: A version in what a program prints of itself.
VERSION = re.compile(r"(?:version:?\s+|\bv|\b)(\d[\w.+-]*)", re.I)


def engines() -> Dict[str, List[dict]]:
    return {"engines": find(ENGINES, ask=True)}


def engines_in_path() -> List[dict]:
    """Quickly: no other environments, and nothing is started."""
    return list(in_path(ENGINES, ask=False))


def benchmark_tools() -> Dict[str, List[dict]]:
    return {"benchmarkTools": find(BENCHMARK_TOOLS, ask=False)}


def find(programs: Tuple[Program, ...], ask: bool) -> List[dict]:
    found = list(in_path(programs, ask))
    seen = {os.path.realpath(program["path"]) for program in found}
    for kind, prefix in environments():
        for program in programs:
            path = os.path.join(prefix, "bin", program.command)
            version = packaged_version(prefix, program.distribution) if program.distribution else None
            if os.access(path, os.X_OK) and os.path.isfile(path):
                where = kind
            elif version is not None and program.command == program.name:
                # Installed without a command: `python -m` starts it.
                path, where = os.path.join(prefix, "bin", "python3"), "python"
            else:
                continue
            key = os.path.realpath(path) if where != "python" else f"{prefix}:{program.name}"
            if key not in seen:
                seen.add(key)
                found.append({"name": program.name, "version": version, "path": path, "foundIn": where})
    return found


def in_path(programs: Tuple[Program, ...], ask: bool) -> Iterator[dict]:
    for program in programs:
        path = shutil.which(program.command)
        if path:
            yield {
                "name": program.name,
                "version": version_of(path, program, ask),
                "path": path,
                "foundIn": "path",
            }


def version_of(path: str, program: Program, ask: bool) -> Optional[str]:
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(path)))
    if program.distribution:
        return packaged_version(prefix, program.distribution)
    if program.name == "triton":
        return os.environ.get("TRITON_SERVER_VERSION")
    if not ask or program.version_option is None:
        return None
    try:
        # Without a GPU in sight it touches none.
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
        match = VERSION.search(run_command([path, program.version_option], VERSION_SECONDS, environment))
    except PartFailed:
        return None
    return match.group(1) if match else None


def packaged_version(prefix: str, distribution: str) -> Optional[str]:
    """By the `.dist-info` folder of the environment."""
    for packages in PACKAGES:
        for path in glob.glob(os.path.join(glob.escape(prefix), packages, f"{distribution}-*.dist-info")):
            return os.path.basename(path)[len(distribution) + 1 : -len(".dist-info")]
    return None


def environments() -> List[Tuple[str, str]]:
    """(kind, prefix) of environments with a Python, each once, and of the Python in PATH."""
    found: List[Tuple[str, str]] = []
    seen: Set[str] = set()

    def add(kind: str, prefix: str) -> None:
        real = os.path.realpath(prefix)
        if (
            real not in seen
            and len(found) < MOST_ENVIRONMENTS
            and os.path.exists(os.path.join(prefix, "bin", "python3"))
        ):
            seen.add(real)
            found.append((kind, prefix))

    python = shutil.which("python3")
    if python:
        add("path", os.path.dirname(os.path.dirname(os.path.realpath(python))))
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if os.environ.get(name):
            add("venv" if name == "VIRTUAL_ENV" else "conda", os.environ[name])
    for kind, pattern in ENVIRONMENT_PLACES:
        for prefix in sorted(glob.glob(os.path.expanduser(pattern))):
            add(kind, prefix)
    try:
        with open(os.path.expanduser("~/.conda/environments.txt"), encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    add("conda", line.strip())
    except (OSError, UnicodeDecodeError):
        pass
    return found
