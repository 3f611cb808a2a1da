"""What any engine may die of. Each engine's own causes are looked for first: they say more."""

from .failure import Cause

#: Of PyTorch, whatever engine runs on it.
TORCH_OUT_OF_MEMORY = r"OutOfMemoryError|CUDA out of memory|CUDA error: out of memory|CUDA runtime error in .*: out of memory|The GPU ran out of memory|HIP out of memory"

#: The hardware or the driver gave up; sharing a GPU under MPS, every client sees the fault of one.
GPU_FAULT = Cause(
    "gpu-fault",
    r"NVRM: Xid|\bXid \(|illegal memory access|unspecified launch failure|uncorrectable ECC|fallen off the bus|device-side assert triggered|CUDA error: misaligned address",
    "a kernel or the GPU failed: `nvidia-smi -q` and the host's kernel log (Xid) say more; of engines that share a GPU under MPS each one sees it",
)

#: Whatever phase it is in.
ANY_TIME = (
    Cause(
        "host-out-of-memory",
        r"oom-kill|OOMKilled|Out of memory: Killed process|exit(?:ed with)? (?:code|status) 137|DefaultCPUAllocator: can't allocate memory|std::bad_alloc|^MemoryError",
        "the host's own memory ran out: give the host or the job more, or load with less (swap space, CPU offload, workers)",
    ),
    Cause(
        "shared-memory",
        r"Bus error|unable to (?:open|allocate|write to) (?:shared memory|file </torch_)|No space left on device.*(?:/dev/shm|shm)",
        "shared memory (/dev/shm) is too small: in a container give --ipc host or a larger --shm-size",
    ),
    GPU_FAULT,
    Cause("disk-full", r"No space left on device", "a disk of the host is full: weights and compiled kernels need room"),
)

AT_START = (
    Cause(
        "port-in-use",
        r"[Aa]ddress already in use|\[Errno 98\]|couldn't bind (?:HTTP server socket|to server socket)|Failed to bind socket",
        "another process took the port between choosing and binding it",
    ),
    Cause(
        "gated-model",
        r"GatedRepoError|[Cc]annot access gated repo|Access to model .{0,200} is restricted|gated repo",
        "the model is gated: accept its terms on the hub, and log in on the host (`hf auth login`), or put HF_TOKEN into the host's environment; never into the plan",
    ),
    Cause(
        "model-missing",
        r"RepositoryNotFoundError|Repository Not Found|is not a local folder and is not a valid model identifier|Invalid repository ID or local directory|failed to open GGUF file|No such file or directory: '[^']{0,300}config\.json'|LocalEntryNotFoundError|couldn't connect to 'https://huggingface\.co'",
        "the model is not on this host and not to be had from the hub: check its name, or copy it to the host",
    ),
    Cause(
        "no-gpu",
        r"[Nn]o CUDA-capable device|No CUDA GPUs are available|Found no NVIDIA driver|driver (?:on your system )?(?:version )?is (?:too old|insufficient)|Failed to infer device type|CUDA driver initialization failed|forward compatibility was attempted",
        "the engine finds no GPU that it can use: check `nvidia-smi`, the driver's version and CUDA_VISIBLE_DEVICES",
    ),
    Cause(
        "gpu-busy",
        r"CUDA-capable device\(s\) is/are busy or unavailable",
        "the GPU takes no further process: it is in exclusive mode, or under an MPS daemon of another user",
    ),
    Cause(
        "nccl",
        r"NCCL error|ncclUnhandledCudaError|ncclSystemError|ncclInternalError",
        "the GPUs cannot talk to each other: NCCL_DEBUG=INFO in the engine's environment says why",
    ),
    Cause(
        "not-found",
        r"No module named |ModuleNotFoundError",
        "the Python that was started lacks a module: give the full path of the environment's program in the plan's launch command",
    ),
    Cause(
        "unknown-flag",
        r"unrecognized arguments|error: argument |invalid choice|error: unexpected argument|No such option|error: invalid argument|the following arguments are required",
        "the engine does not take these flags: check them against its version",
    ),
)

#: Behind everything else: Python's words for a configuration that will not do.
REFUSED_CONFIGURATION = Cause(
    "refused", r"\bValidationError\b|\bValueError: ", "the engine refused the configuration"
)
