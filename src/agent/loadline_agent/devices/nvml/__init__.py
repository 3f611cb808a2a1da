"""NVIDIA's management library by ctypes: no packages, no root.

Readings are sorted by what they cost on the driver (measured on an H200, docs/telemetry.md): memory and the GPM counters are
cheap and read at every tick; power comes as the driver's own 20 ms samples, utilisation as its own 200 ms samples; energy,
which may take 30 ms, at marks and each 10 s. nvmlDeviceGetPcieThroughput (20 ms a call) is for the study mode alone.
"""
