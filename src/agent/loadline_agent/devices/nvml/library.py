"""Loading the library and calling it; what its return codes mean, and what to do."""

import ctypes
from typing import Any, Dict, Optional

from ...sampling.reading import Unavailable, Unsupported
from ..unavailable import DeviceUnavailable
from . import structs
from .structs import SUCCESS

LIBRARY = "libnvidia-ml.so.1"
FOLDERS = (
    "",
    "/usr/lib/x86_64-linux-gnu/",
    "/usr/lib/aarch64-linux-gnu/",
    "/usr/lib64/",
    "/usr/lib/wsl/lib/",
    "/usr/local/nvidia/lib64/",
    "/run/opengl-driver/lib/",
)

MEANINGS = {
    1: "not initialised",
    2: "invalid argument",
    3: "not supported by this GPU",
    4: "no permission",
    6: "not found",
    9: "the NVIDIA driver is not loaded",
    10: "timed out",
    12: "a library of the driver is missing",
    13: "this driver has no such function",
    15: "the GPU has fallen off the bus; it needs a reset or a reboot",
    16: "the GPU needs a reset",
    17: "the operating system refused (in a container: its access to the devices was taken away)",
    18: "the driver's library and its kernel module differ in version, as after an update: reboot, or reload the nvidia modules",
    21: "no data",
    25: "this driver knows another version of the structure",
    26: "deprecated",
    27: "not ready",
    28: "no such GPU",
    999: "unknown error",
}

#: What a GPU or driver will not do later either.
FOR_GOOD = {3, 4, 13, 25, 26}


def meaning(code: int) -> str:
    return f"{MEANINGS.get(code, 'an error')} (NVML code {code})"


class Library:
    """Functions are looked up when first called; one that this driver lacks reports FUNCTION_NOT_FOUND like any other code."""

    def __init__(self) -> None:
        self._library = load_library()
        self._functions: Dict[str, Any] = {}

    def call(self, name: str, *arguments: Any) -> int:
        function = self._functions.get(name)
        if function is None:
            function = self._functions[name] = self._find(name)
        return function(*arguments)

    def demand(self, name: str, *arguments: Any) -> None:
        """Raises Unsupported where it will never be had, Unavailable where it is not to be had now."""
        code = self.call(name, *arguments)
        if code != SUCCESS:
            raise (Unsupported if code in FOR_GOOD else Unavailable)(f"{name}: {meaning(code)}")

    def demand_number(self, name: str, *arguments: Any, of: Any = ctypes.c_uint) -> int:
        value = of()
        self.demand(name, *arguments, ctypes.byref(value))
        return value.value

    def has(self, name: str) -> bool:
        return hasattr(self._library, name)

    def _find(self, name: str) -> Any:
        try:
            function = getattr(self._library, name)
        except AttributeError:
            return lambda *_: structs.FUNCTION_NOT_FOUND
        # Without argument types ctypes passes pointers as C ints and cuts them off.
        function.argtypes = structs.SIGNATURES[name]
        function.restype = ctypes.c_int
        return function

    def number(self, name: str, *arguments: Any, of: Any = ctypes.c_uint) -> Optional[int]:
        """Of a function whose last argument is the address of one number; None where it is not to be had."""
        value = of()
        return value.value if self.call(name, *arguments, ctypes.byref(value)) == SUCCESS else None

    def text(self, name: str, *before: Any) -> Optional[str]:
        buffer = ctypes.create_string_buffer(96)
        return buffer.value.decode("utf-8", "replace") if self.call(name, *before, buffer, 96) == SUCCESS else None

    def start(self) -> None:
        code = self.call("nvmlInit_v2")
        if code == structs.DRIVER_NOT_LOADED:
            raise DeviceUnavailable("the NVIDIA driver is not loaded")
        if code != SUCCESS:
            raise DeviceUnavailable(meaning(code))


def load_library() -> Any:
    for folder in FOLDERS:
        try:
            return ctypes.CDLL(folder + LIBRARY)
        except OSError:
            continue
    raise DeviceUnavailable(f"{LIBRARY} was not found")
