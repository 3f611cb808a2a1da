"""AMD GPUs by the files of the amdgpu driver (kernel documentation: gpu/amdgpu, hwmon/sysfs-interface). Not seen on real ones.

`pcie_bw` is not read: the kernel sleeps a second in it.
"""

import glob
import os
import re
from typing import List, Optional, Sequence, Tuple

from ..sampling.reading import Mode, Reading, Unavailable, Unsupported
from .unavailable import DeviceUnavailable

AMD_VENDOR = "0x1002"
SYSFS = "/sys"

#: Column -> (files in the card's `device` folder, best first; hwmon's in `hwmon/hwmon*`), what to divide by.
FILES: Tuple[Tuple[str, Sequence[str], float], ...] = (
    ("memoryUsedBytes", ("mem_info_vram_used",), 1),
    ("utilizationPercent", ("gpu_busy_percent",), 1),
    ("dramActivePercent", ("mem_busy_percent",), 1),
    ("powerWatts", ("hwmon/power1_average", "hwmon/power1_input"), 1e6),
    ("smClockMHz", ("hwmon/freq1_input",), 1e6),
    ("memoryClockMHz", ("hwmon/freq2_input",), 1e6),
    ("temperatureCelsius", ("hwmon/temp2_input", "hwmon/temp1_input"), 1000),
)


class AmdSysfsDevice:
    """Cards of AMD that have memory of their own, in the order of the PCI bus. `root`: the sysfs tree, for tests."""

    source = "amd-sysfs"
    rung = "amd-sysfs"
    recorded = False
    cuda: Optional[str] = None

    def __init__(self, indices: Optional[list] = None, root: str = SYSFS) -> None:
        cards = sorted(
            (
                os.path.realpath(os.path.join(path, "device"))
                for path in glob.glob(os.path.join(glob.escape(root), "class/drm/card*"))
                if re.fullmatch(r"card\d+", os.path.basename(path))
                and text_of(os.path.join(path, "device/vendor")) == AMD_VENDOR
                and text_of(os.path.join(path, "device/mem_info_vram_total"))
            )
        )
        if not cards:
            raise DeviceUnavailable("no card of the amdgpu driver")
        self._cards = [(index, card) for index, card in enumerate(cards) if not indices or index in indices]
        self.driver = text_of(os.path.join(root, "module/amdgpu/version"))
        self.detail = "files of the amdgpu driver: no PCIe, link or throttle readings"

    def gpus(self) -> List[dict]:
        found = []
        for index, card in self._cards:
            limit = number_of(file_of(card, "hwmon/power1_cap"))
            identity = text_of(os.path.join(card, "unique_id"))
            found.append(
                {
                    "index": index,
                    "uuid": f"GPU-{identity}" if identity else os.path.basename(card),
                    "name": text_of(os.path.join(card, "product_name"))
                    or f"AMD {text_of(os.path.join(card, 'device')) or 'GPU'}",
                    "memoryTotalBytes": int(number_of(os.path.join(card, "mem_info_vram_total")) or 0),
                    "memoryUsedBytes": whole(number_of(os.path.join(card, "mem_info_vram_used"))),
                    "powerLimitWatts": limit / 1e6 if limit is not None else None,
                }
            )
        return found

    def readings(self, mode: Mode, interval: float, keep_power: bool = False) -> List[Reading]:
        readings = []
        for column, names, divisor in FILES:
            paths = [next(filter(None, (file_of(card, name) for name in names)), None) for _, card in self._cards]
            if any(paths):
                readings.append(
                    Reading(
                        column,
                        (column,),
                        0 if column in ("memoryUsedBytes", "utilizationPercent", "dramActivePercent") else 0.5,
                        " or ".join(names),
                        FileReading(paths, names[0], divisor),
                    )
                )
        return readings

    def close(self) -> None:
        """Nothing is held."""


class FileReading:
    def __init__(self, paths: Sequence[Optional[str]], name: str, divisor: float) -> None:
        self._paths = paths
        self._name = name
        self._divisor = divisor

    def __call__(self, position: int) -> Sequence[Optional[float]]:
        path = self._paths[position]
        if path is None:
            raise Unsupported(f"this card has no file {self._name}")
        try:
            with open(path) as file:
                value = float(file.read())
        except (OSError, ValueError) as error:
            # A card that sleeps refuses some of its files.
            raise Unavailable(f"{path}: {error}") from error
        return [int(value) if self._divisor == 1 else round(value / self._divisor, 3)]


def file_of(card: str, name: str) -> Optional[str]:
    """Path of a file of the card; None where it has none."""
    folder, _, base = name.rpartition("/")
    pattern = os.path.join(glob.escape(card), "hwmon/hwmon*" if folder else "", base)
    return next(iter(sorted(glob.glob(pattern))), None)


def text_of(path: str) -> Optional[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip() or None
    except OSError:
        return None


def number_of(path: Optional[str]) -> Optional[float]:
    try:
        return float(text_of(path) or "") if path else None
    except ValueError:
        return None


def whole(value: Optional[float]) -> Optional[int]:
    return int(value) if value is not None else None
