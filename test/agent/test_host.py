"""CPU, memory and network of the machine."""

import unittest
from unittest import mock

from loadline_agent import host


class HostSamplerTest(unittest.TestCase):
    def reading(self, *looks):
        """`looks`: (seconds, (busy, all) ticks, bytes sent) at the start and at each read."""
        times, ticks, sent = zip(*looks)
        patches = [
            mock.patch.object(host.time, "monotonic", side_effect=times),
            mock.patch.object(host, "cpu_times", side_effect=ticks),
            mock.patch.object(host, "network_bytes", side_effect=[{"eth0": (one, 10 * one)} for one in sent]),
            mock.patch.object(host, "memory_info", return_value={"MemTotal": 100, "MemAvailable": 30}),
        ]
        for patch in patches:
            patch.start()
            self.addCleanup(patch.stop)
        return host.HostSampler()

    def test_rates_are_of_the_time_since_the_last_read(self):
        sampler = self.reading((0.0, (0, 0), 0), (0.5, (25, 100), 1000))
        self.assertEqual(sampler.read(), [25.0, 70, 2000, 20000])

    def test_too_short_a_time_is_not_known_and_counts_with_the_next(self):
        sampler = self.reading((0.0, (0, 0), 0), (0.01, (50, 200), 500), (1.0, (50, 200), 500))
        self.assertEqual(sampler.read(), [None, 70, None, None])
        self.assertEqual(sampler.read(), [25.0, 70, 500, 5000])


if __name__ == "__main__":
    unittest.main()
