"""Stands for nvidia-smi: answers queries from what the real one printed on two H200s (test/fixtures/nvidia-smi).

RECORDED_SMI_ENDS: its loop ends at once. RECORDED_SMI_WAITS: its loop prints nothing until the file of that name is gone.
"""

import os
import re
import sys
import time

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "nvidia-smi")


def recorded(name):
    """(command line, output) of a recording."""
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        command, _, *lines = file.read().splitlines()
    return command, lines


def main(arguments):
    if arguments == ["--help-query-gpu"]:
        print("\n".join(recorded("h200-help-query-gpu.txt")[1]))
        return 0
    options = dict(word.partition("=")[::2] for word in arguments)
    command, rows = recorded("h200-query-nounits.txt")
    known = re.search(r"--query-gpu=(\S+)", command).group(1).split(",")
    # The recording was asked by older names of some fields.
    names = {
        "clocks.current.sm": "clocks.sm",
        "clocks.current.memory": "clocks.mem",
    }
    asked = options["--query-gpu"].split(",")
    for name in asked:
        if names.get(name, name) not in known:
            print(f'Field "{name}" is not a valid field to query.\n')
            return 2
    answer = []
    for row in rows:
        cells = dict(zip(known, row.split(", ")))
        answer.append(", ".join(cells[names.get(name, name)] for name in asked))
    if "-lms" not in arguments:
        print("\n".join(answer))
        return 0
    if os.environ.get("RECORDED_SMI_ENDS"):
        print("Unable to determine the device handle for GPU0: GPU is lost.  Reboot the system to recover this GPU")
        return 15
    while os.path.exists(os.environ.get("RECORDED_SMI_WAITS", "")):
        time.sleep(0.01)
    while True:
        print("\n".join(answer), flush=True)
        time.sleep(int(arguments[arguments.index("-lms") + 1]) / 1000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
