"""All parts of a probe in one record."""

from typing import Any, Dict

from .containers import container_images
from .gpus import gpu_facts
from .host import disk_space, host_facts
from .models import cached_models
from .parts import Part, find_all
from .programs import benchmark_tools, engines
from .slurm import slurm_facts

#: Clients wait 60 s for the answer. Opening a driver without persistence mode takes seconds a GPU.
GPU_SECONDS = 40


def probe_host(brief: bool = False) -> dict:
    """`brief`: as far as a run needs it."""
    gpus = Part("gpus", GPU_SECONDS, lambda: gpu_facts(brief))
    more = [
        Part("engines", 20, engines),
        Part("benchmark-tools", 15, benchmark_tools),
        Part("containers", 15, container_images),
        Part("slurm", 15, slurm_facts),
        Part("models", 20, cached_models),
        Part("disks", 10, lambda: {"disks": disk_space()}),
    ]
    fields, problems = find_all([gpus] if brief else [*more, gpus])
    found: Dict[str, Any] = {
        **host_facts(),
        # What stands where the driver did not answer.
        "gpuSource": "none",
        "driver": None,
        "cuda": None,
        "gpus": [],
        **fields,
        "problems": problems,
    }
    return {"type": "probe", **found}
