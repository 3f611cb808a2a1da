"""Slurm: its partitions, as `sinfo` lists them (its man page: -h no header, -o format)."""

from typing import Any, Dict, List

from .parts import PartFailed, is_there, run_command

SECONDS = 6

#: Partition (`*` behind the default one), availability, time limit, nodes, generic resources; no field holds a `|`.
FORMAT = "%P|%a|%l|%D|%G"


def slurm_facts() -> Dict[str, Any]:
    if not is_there("sinfo"):
        return {"slurm": None}
    return {
        "slurm": {
            "version": version(run_command(["sinfo", "--version"], SECONDS)),
            "partitions": partitions(run_command(["sinfo", "-h", "-o", FORMAT], SECONDS)),
        }
    }


def version(text: str) -> Any:
    """`slurm 23.11.4` -> `23.11.4`."""
    words = text.split()
    return words[1] if len(words) > 1 and words[0].startswith("slurm") else None


def partitions(text: str) -> List[dict]:
    """A line for each kind of node of a partition."""
    found = []
    for line in text.splitlines():
        cells = line.strip().split("|")
        if len(cells) != 5 or not cells[3].isdigit():
            if line.strip():
                raise PartFailed(f"`sinfo` printed a line that is not understood: {line.strip()[:100]}")
            continue
        name, state, limit, nodes, gres = cells
        found.append(
            {
                "name": name.rstrip("*"),
                "isDefault": name.endswith("*"),
                "state": state,
                "timeLimit": limit,
                "nodes": int(nodes),
                "gres": None if gres in ("", "(null)") else gres,
            }
        )
    return found
