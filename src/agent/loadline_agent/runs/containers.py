"""An engine in a container of docker or podman: published on loopback alone, its environment by name, ended with the run."""

import hashlib
import os
import signal
from typing import Dict, List, Optional

from ..engines.failure import Cause, Diagnosis, diagnose
from .commands import ask
from .folder import RunFolder
from .instance import LOOPBACK, EngineFailed, Instance
from .launch import Launch
from .watch import Watch

RUN_LABEL = "loadline.run"
HOME_LABEL = "loadline.home"

INSPECT_SECONDS = 30.0
#: What a container has between SIGINT and SIGKILL; docker itself is given some more.
STOP_SECONDS = 20
REMOVE_SECONDS = 30.0

#: Where the hub's cache stands inside: every image is told by variables, none has it there by itself.
CACHE_INSIDE = "/loadline/huggingface"

#: What the runtime itself says, before there is an engine.
CAUSES = (
    Cause(
        "image-missing",
        r"[Nn]o such image|image not known|Unable to find image|manifest unknown|pull access denied",
        "pull the image on the host first; a run does not download images, as its start-up times would not be the engine's",
    ),
    Cause(
        "container-runtime",
        r"permission denied while trying to connect to the [Dd]ocker|Cannot connect to the Docker daemon|is the docker daemon running|Cannot connect to Podman",
        "this account cannot use the container runtime: start its daemon, or add the account to its group",
    ),
    Cause(
        "container-runtime",
        r"could not select device driver|unresolvable CDI devices|nvidia-container-cli|unknown or invalid runtime name: nvidia|setting up CDI devices",
        "the runtime cannot hand GPUs to containers: install NVIDIA's container toolkit and configure the runtime (docker), or make its CDI description (podman)",
    ),
    Cause(
        "not-found",
        r"executable file not found in|OCI runtime .*not found|no such file or directory: unknown",
        "the image has no such program: its entry point and the plan's command do not go together",
    ),
    Cause("unknown-flag", r"unknown flag: |unknown shorthand flag", "the container runtime does not take this argument"),
)


class ContainerInstance(Instance):
    def __init__(
        self,
        folder: RunFolder,
        launch: Launch,
        index: int,
        log: str,
        watch: Watch,
        extra_environment: Optional[Dict[str, str]] = None,
    ) -> None:
        about = launch.container or {}
        self._runtime: str = about["runtime"]
        self._image: str = about["image"]
        self._arguments: List[str] = about.get("arguments") or []
        self._watch = watch
        networks = [network_name(value) for value in option_values(self._arguments, "--network", "--net")]
        #: In a network of its own it listens on all of that network's addresses, and is published on our loopback alone.
        #: The host's network is none of its own, said by the plan or not.
        self._networked = bool(networks) and "host" not in networks
        self._network_words = [] if networks else ["--network", "host"]
        self.name = container_name(folder, index)
        super().__init__(folder, launch, index, log, extra_environment)

    # What is started

    def words(self) -> List[str]:
        own, port = self._arguments, self.address.port
        host = "0.0.0.0" if self._networked else LOOPBACK
        return [
            *[self._runtime, "run", "--rm", "--pull=never", "--name", self.name],
            *["--label", f"{RUN_LABEL}={self._folder.run}", "--label", f"{HOME_LABEL}={home_mark(self._folder.home)}"],
            # A process in the host's network listens on loopback as one outside of a container does.
            *(["-p", f"{LOOPBACK}:{port}:{port}"] if self._networked else self._network_words),
            *([] if has_option(own, "--ipc", "--shm-size") else ["--ipc", "host"]),
            *(["--init"] if self._runtime == "docker" else []),
            *["--stop-signal", "SIGINT"],
            *self._gpu_words(),
            *self._mounts(),
            # By name: the value comes from the environment of the runtime's own program, and is in no argument.
            *[word for name in sorted(self.engine_environment()) for word in ("-e", name)],
            *own,
            self._image,
            *self.told(host, port),
        ]

    def _gpu_words(self) -> List[str]:
        if not self.gpus:
            return []
        if self._runtime == "podman":
            return [word for gpu in self.gpus for word in ("--device", f"nvidia.com/gpu={gpu}")]
        return ["--gpus", f'"device={",".join(map(str, self.gpus))}"']

    def _mounts(self) -> List[str]:
        """The hub's cache, and whatever the command names by a full path (a model's folder), read-only in its own place."""
        found = ["-v", f"{hub_cache()}:{CACHE_INSIDE}"]
        pipe = self._extra.get("CUDA_MPS_PIPE_DIRECTORY")
        if pipe:
            found += ["-v", f"{pipe}:{pipe}"]
        for word in self._launch.argv:
            path = word.partition("=")[2] if word.startswith("--") else word
            if path.startswith("/") and path.count("/") > 1 and ":" not in path and os.path.exists(path):
                found += ["-v", f"{path}:{path}:ro"]
        return found

    def visible_gpus(self) -> Dict[str, str]:
        # The runtime shows the chosen ones alone, counted from 0.
        return {}

    def engine_environment(self) -> Dict[str, str]:
        cache = {
            "HF_HOME": CACHE_INSIDE,
            "HF_HUB_CACHE": f"{CACHE_INSIDE}/hub",
            "HUGGINGFACE_HUB_CACHE": f"{CACHE_INSIDE}/hub",
        }
        token = {name: os.environ[name] for name in ("HF_TOKEN",) if name in os.environ}
        return {**cache, **token, **super().engine_environment()}

    # Start

    def start(self) -> None:
        found = ask([self._runtime, "image", "inspect", "--format", "{{.Id}}", self._image], INSPECT_SECONDS, self._watch)
        if found.missing:
            raise self.not_started("not-found", f"There is no `{self._runtime}` on this host.")
        if not found.ok:
            said = diagnose(found.said.splitlines() or ["it said nothing"], CAUSES, "")
            kind = said.kind if said.kind != "timeout" else "container-runtime"
            message = f"The image {self._image} is not to be had: {said.message if said.kind != 'timeout' else found.said}"
            if kind == "image-missing":
                message += f" `{self._runtime} pull {self._image}` does that."
            raise EngineFailed("start", Diagnosis(kind, self.clean(message), found.said.splitlines()[-10:]))
        os.makedirs(hub_cache(), exist_ok=True)
        # Known before it is there: whatever ends this process, the container is found.
        self._folder.note_processes(container={"runtime": self._runtime})
        super().start()

    def planned_arguments(self) -> List[str]:
        """Behind the image's entry point."""
        host = "0.0.0.0" if self._networked else LOOPBACK
        return [self.clean(word) for word in self.told(host, self.address.port)]

    # State

    @property
    def pid(self) -> Optional[int]:
        """Of the engine, as the host counts it."""
        found = ask([self._runtime, "inspect", "--format", "{{.State.Pid}}", self.name], INSPECT_SECONDS)
        return int(found.said) if found.ok and found.said.isdigit() and int(found.said) > 0 else None

    # Stop

    def send(self, number: signal.Signals) -> None:
        """INT: the runtime's own stop, which sends it and waits. The others kill."""
        if number == signal.SIGINT:
            ask([self._runtime, "stop", "-t", str(STOP_SECONDS), self.name], STOP_SECONDS + REMOVE_SECONDS)
        else:
            ask([self._runtime, "kill", "--signal", number.name, self.name], REMOVE_SECONDS)
            super().send(number)

    def clear_away(self) -> None:
        ask([self._runtime, "rm", "--force", self.name], REMOVE_SECONDS)


def has_option(words: List[str], *names: str) -> bool:
    return any(word.partition("=")[0] in names for word in words)


def option_values(words: List[str], *names: str) -> List[str]:
    """Of an option in both spellings, `--name value` and `--name=value`."""
    joined = [word.partition("=")[2] for word in words if word.partition("=")[0] in names and "=" in word]
    return joined + [value for name, value in zip(words, words[1:]) if name in names]


def network_name(value: str) -> str:
    """Of an option's value: docker also takes `name=host,alias=a`, and podman adds settings, `bridge:ip=10.0.0.2`."""
    given = dict(part.strip().partition("=")[::2] for part in value.split(","))
    return given["name"] if "name" in given else value.partition(":")[0].partition(",")[0]


def hub_cache() -> str:
    return os.environ.get("HF_HOME") or os.path.expanduser("~/.cache/huggingface")


def home_mark(home: str) -> str:
    return hashlib.sha256(home.encode()).hexdigest()[:16]


def container_name(folder: RunFolder, index: int) -> str:
    mark = hashlib.sha256(f"{folder.home}\0{folder.run}".encode()).hexdigest()[:12]
    return f"loadline-{mark}-{index}"


def end_containers(folder: RunFolder) -> bool:
    """Removes what a run's containers left, by their labels. False if some are still there, or cannot be asked for; else they are not asked for again."""
    known = folder.processes().get("container")
    if not known:
        return True
    runtime = known["runtime"]
    filters = ["--filter", f"label={RUN_LABEL}={folder.run}", "--filter", f"label={HOME_LABEL}={home_mark(folder.home)}"]
    listing = [runtime, "ps", "--all", "--quiet", *filters]
    found = ask(listing, INSPECT_SECONDS)
    if found.ok and found.said:
        ask([runtime, "rm", "--force", *found.said.split()], REMOVE_SECONDS)
        found = ask(listing, INSPECT_SECONDS)
    ended = found.missing or (found.ok and not found.said)
    if ended:
        folder.note_processes(container=None)
    return ended


def how_to_find_containers(folder: RunFolder) -> str:
    """Of a run whose containers were not ended."""
    runtime = (folder.processes().get("container") or {}).get("runtime")
    return (
        f"Containers of the run {folder.run} may still be there, and {runtime} does not end them. Where it cannot be reached, start its daemon; "
        f"else `{runtime} ps --all --filter label={RUN_LABEL}={folder.run}` names them."
    )
