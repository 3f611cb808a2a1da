"""Images of engines that docker or podman have here."""

import re
from typing import Dict, List

from .parts import PartFailed, is_there, run_command

RUNTIMES = ("docker", "podman")
SECONDS = 6

#: Part of an image's repository -> engine.
IMAGES = (
    (re.compile(r"vllm", re.I), "vllm"),
    (re.compile(r"sglang", re.I), "sglang"),
    (re.compile(r"tensorrt-?llm|trtllm", re.I), "tensorrt-llm"),
    (re.compile(r"tritonserver", re.I), "triton"),
    (re.compile(r"text-generation-inference", re.I), "tgi"),
    (re.compile(r"lmdeploy", re.I), "lmdeploy"),
    (re.compile(r"llama[.-]?cpp", re.I), "llama.cpp"),
)


def container_images() -> Dict[str, List[dict]]:
    found: List[dict] = []
    failed: List[str] = []
    for runtime in RUNTIMES:
        if not is_there(runtime):
            continue
        try:
            listed = run_command([runtime, "images", "--format", "{{.Repository}}:{{.Tag}}\t{{.Size}}"], SECONDS)
        except PartFailed as error:
            failed.append(str(error))
            continue
        found += [image for image in map(lambda line: image_of(runtime, line), listed.splitlines()) if image]
    if failed and not found:
        raise PartFailed("; ".join(failed))
    return {"containerImages": found}


def image_of(runtime: str, line: str) -> Dict[str, str]:
    """ContainerImage; empty where it is of no engine."""
    image, _, size = line.partition("\t")
    for pattern, engine in IMAGES:
        if pattern.search(image):
            return {"engine": engine, "runtime": runtime, "image": image, "sizeText": size.strip()}
    return {}
