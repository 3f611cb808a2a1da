"""Why a rung of the ladder cannot be used; the text says it."""


class DeviceUnavailable(Exception):
    pass
