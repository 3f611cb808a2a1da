"""Telemetry: readings of devices, taken at absolute deadlines and written as lines."""
