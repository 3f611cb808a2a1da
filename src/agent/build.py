#!/usr/bin/env python3
"""Builds the agent as one zipapp: `python3 src/agent/build.py dist/loadline-agent.pyz`. Prints its SHA-256.

The same sources give the same bytes on every machine: names sorted, times and permissions fixed, nothing compressed
(zlib versions differ; the whole of it is sent compressed anyway).
"""

import hashlib
import os
import stat
import sys
import zipfile
from typing import Iterator, Tuple

SOURCE = os.path.dirname(os.path.abspath(__file__))
SHEBANG = b"#!/usr/bin/env python3\n"
SHIPPED = (".py", ".json")


def members() -> Iterator[Tuple[str, str]]:
    """(name in the archive, path), sorted by name."""
    found = [("__main__.py", os.path.join(SOURCE, "__main__.py"))]
    for folder, _, files in os.walk(os.path.join(SOURCE, "loadline_agent")):
        for file in files:
            if file.endswith(SHIPPED):
                path = os.path.join(folder, file)
                found.append((os.path.relpath(path, SOURCE).replace(os.sep, "/"), path))
    return iter(sorted(found))


def build(target: str) -> str:
    """Writes the archive by way of a temporary file, so that a reader never sees half of it. Returns its SHA-256."""
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    temporary = f"{target}.{os.getpid()}.part"
    try:
        with open(temporary, "wb") as file:
            file.write(SHEBANG)
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for name, path in members():
                    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                    entry.create_system = 3
                    entry.external_attr = (stat.S_IFREG | 0o644) << 16
                    with open(path, "rb") as source:
                        archive.writestr(entry, source.read())
        os.chmod(temporary, 0o755)
        os.replace(temporary, target)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
    with open(target, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: build.py TARGET")
    print(build(sys.argv[1]))
