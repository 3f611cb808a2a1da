"""Stands for nvidia-cuda-mps-control where there is no GPU: `-d` leaves a daemon behind that ends with `quit`.

As the real one it takes its pipe directory from CUDA_MPS_PIPE_DIRECTORY and writes its pid there. Its clients are the processes
whose environment names that directory. FAKE_MPS_REFUSES: it does not start.
"""

import os
import signal
import sys
import time

PIPES = os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps")
PID = os.path.join(PIPES, "nvidia-cuda-mps-control.pid")


def clients():
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                environment = file.read().split(b"\0")
            with open(f"/proc/{name}/cmdline", "rb") as file:
                command = file.read()
        except OSError:
            continue
        if f"CUDA_MPS_PIPE_DIRECTORY={PIPES}".encode() in environment and b"fake_engine" in command:
            found.append(int(name))
    return found


def daemon():
    if os.environ.get("FAKE_MPS_REFUSES"):
        print("Cannot find MPS control daemon process")
        return 1
    if os.fork() == 0:
        os.setsid()
        with open(PID, "w") as file:
            file.write(str(os.getpid()))
        with open(os.path.join(os.environ["CUDA_MPS_LOG_DIRECTORY"], "control.log"), "w") as file:
            file.write(f"Started for {os.environ.get('CUDA_VISIBLE_DEVICES')}\n")
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        while True:
            signal.pause()
    while not os.path.exists(PID):
        time.sleep(0.01)
    return 0


def main(words):
    if words == ["-d"]:
        return daemon()
    with open(PID) as file:
        pid = int(file.read())
    for line in sys.stdin:
        command = line.split()
        if command[:1] == ["quit"]:
            os.kill(pid, signal.SIGTERM)
        elif command[:1] == ["get_server_list"]:
            print(pid)
        elif command[:1] == ["get_client_list"]:
            print("PID       ID        SERVER         DEVICE                    NAMESPACE      COMMAND        ")
            for number, client in enumerate(clients()):
                print(f"{client:<9} {number:<9} {pid:<14} GPU-6937b901-85da-8d35    4026531836     python3        ")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
