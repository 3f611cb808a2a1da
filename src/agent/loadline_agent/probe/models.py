"""Models in the Hugging Face cache (layout of huggingface_hub: models--<owner>--<name>/blobs)."""

import os
from typing import Dict, List

#: More files than this are not counted.
MOST_FILES = 100000


def hub_cache() -> str:
    given = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if given:
        return os.path.expanduser(given)
    home = os.environ.get("HF_HOME")
    if home:
        return os.path.join(os.path.expanduser(home), "hub")
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return os.path.join(os.path.expanduser(cache), "huggingface", "hub")


def cached_models() -> Dict[str, List[dict]]:
    """CachedModel, with what it takes on the disk."""
    cache = hub_cache()
    found = []
    try:
        folders = sorted(name for name in os.listdir(cache) if name.startswith("models--"))
    except FileNotFoundError:
        return {"models": []}
    for folder in folders:
        path = os.path.join(cache, folder)
        identity = "/".join(folder[len("models--") :].split("--"))
        found.append({"id": identity, "sizeBytes": size_of(os.path.join(path, "blobs")), "path": path})
    return {"models": found}


def size_of(blobs: str) -> int:
    total = 0
    try:
        with os.scandir(blobs) as entries:
            for count, entry in enumerate(entries):
                if count >= MOST_FILES:
                    break
                total += entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        pass
    return total
