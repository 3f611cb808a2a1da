"""Stands for nvidia-smi on a host whose GPUs fill and empty as a test says: FAKE_GPU_STATE is a JSON file with `usedMiB` (by index)
and `processes` (uuid, pid, name, MiB each). What it does not know comes from what the real one printed on two H200s."""

import json
import os
import sys

import recorded_nvidia_smi

COLUMNS = recorded_nvidia_smi.recorded("h200-query-nounits.txt")


def main(arguments):
    with open(os.environ["FAKE_GPU_STATE"]) as file:
        state = json.load(file)
    if any(word.startswith("--query-compute-apps=") for word in arguments):
        for uuid, pid, name, mebibytes in state["processes"]:
            print(f"{uuid}, {pid}, {name}, {mebibytes}")
        return 0
    if "--query-gpu=index,memory.used" in arguments:
        falling = state.get("falls")
        for index, used in enumerate(state["usedMiB"]):
            print(f"{index}, {used}")
        if falling:
            state["usedMiB"] = [max(0, used - falling) for used in state["usedMiB"]]
            with open(os.environ["FAKE_GPU_STATE"], "w") as file:
                json.dump(state, file)
        return 0
    return recorded_nvidia_smi.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
