"""Stands for docker and podman where there is no daemon: `run`, `stop`, `kill`, `rm`, `ps`, `inspect`, `image inspect` as their
documentation has them. A container is a process of its own that outlives the client, as a daemon's do, with no environment but
what `-e` and `--env-file` name. Its only image is `fake-engine`, whose entry point is fake_engine.py.

FAKE_DOCKER_STATE: a folder for what it knows; `calls` in it has every command line. While it holds a file `down` there is no daemon.
"""

import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
STATE = os.environ["FAKE_DOCKER_STATE"]
IMAGE = "fake-engine"

#: Options of `run` that take a value.
VALUED = ("--name", "--label", "--network", "--net", "-p", "--ipc", "--stop-signal", "--gpus", "--device", "-v", "-e", "--shm-size")


def path(name):
    return os.path.join(STATE, name)


def containers():
    found = {}
    for name in os.listdir(STATE):
        if name.endswith(".json"):
            try:
                with open(path(name)) as file:
                    about = json.load(file)
            except FileNotFoundError:
                # It ended between the two looks.
                continue
            found[about["name"]] = about
    return found


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def forget(name):
    try:
        os.unlink(path(f"{name}.json"))
    except FileNotFoundError:
        # Both the client and `rm` do it.
        pass


def run(words):
    given, at = {"-e": [], "--label": [], "-v": []}, 0
    while words[at].startswith("-"):
        name, joined, value = words[at].partition("=")
        if not joined and name in VALUED:
            at += 1
            value = words[at]
        given.setdefault(name, []).append(value)
        at += 1
    image, arguments = words[at], words[at + 1 :]
    if image != IMAGE:
        print(f"Unable to find image '{image}' locally", file=sys.stderr)
        return 125
    environment = {"PATH": os.environ["PATH"]}
    for name in given["-e"]:
        # The marks stay outside: a namespace of processes hides them from the host.
        if name in os.environ and not name.startswith("LOADLINE_"):
            environment[name] = os.environ[name]
    name = given["--name"][0]
    log = open(path(f"{name}.log"), "wb")
    process = subprocess.Popen(
        [sys.executable, os.path.join(HERE, "fake_engine.py"), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        cwd="/",
    )
    with open(path(f"{name}.json.part"), "w") as file:
        json.dump({"name": name, "pid": process.pid, "labels": given["--label"]}, file)
    os.rename(path(f"{name}.json.part"), path(f"{name}.json"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with open(path(f"{name}.log"), "rb") as written:
        while True:
            ended = process.poll()
            sys.stdout.buffer.write(written.read())
            sys.stdout.flush()
            if ended is not None:
                break
            time.sleep(0.02)
    forget(name)
    return ended if ended >= 0 else 128 - ended


def end(about, number, seconds=10):
    send(about["pid"], number)
    until = time.monotonic() + seconds
    while alive(about["pid"]) and time.monotonic() < until:
        time.sleep(0.02)
    send(about["pid"], signal.SIGKILL)


def send(pid, number):
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass


def main(words):
    with open(path("calls"), "a") as file:
        file.write(json.dumps(words) + "\n")
    verb, rest = words[0], words[1:]
    if os.path.exists(path("down")):
        print("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", file=sys.stderr)
        return 1
    if verb == "image":
        if rest[-1] == IMAGE:
            print("sha256:0")
            return 0
        print(f"Error response from daemon: No such image: {rest[-1]}", file=sys.stderr)
        return 1
    if verb == "run":
        return run(rest)
    known = containers()
    if verb == "ps":
        labels = [word[len("label=") :] for word in rest if word.startswith("label=")]
        print("\n".join(name for name, about in known.items() if set(labels) <= set(about["labels"])))
        return 0
    if verb == "inspect":
        about = known.get(rest[-1])
        print(about["pid"] if about and alive(about["pid"]) else 0)
        return 0
    for name in rest:
        about = known.get(name)
        if about is None:
            continue
        end(about, signal.SIGINT if verb == "stop" else signal.SIGKILL)
        if verb == "rm":
            forget(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
