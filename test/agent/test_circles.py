"""No module of the agent imports itself by way of others: each can be read with what stands below it alone."""

import ast
import os
import unittest

from support import AGENT_SOURCE


def modules():
    for folder, _, files in os.walk(os.path.join(AGENT_SOURCE, "loadline_agent")):
        for file in files:
            if file.endswith(".py"):
                path = os.path.join(folder, file)
                yield os.path.relpath(path, AGENT_SOURCE)[:-3].replace(os.sep, "."), path


def imported(module, path, known):
    """Modules of ours, whether named themselves or by a name in them; imports within functions too."""
    with open(path) as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            package = ".".join(module.split(".")[: -node.level] + ([node.module] if node.module else []))
            for alias in node.names:
                yield from [name for name in (f"{package}.{alias.name}", package) if name in known][:1]


class Circles(unittest.TestCase):
    def test_there_is_none(self):
        paths = dict(modules())
        self.assertGreater(len(paths), 100)
        left = {module: set(imported(module, path, paths)) for module, path in paths.items()}
        while True:
            # What imports nothing that is left cannot be in a circle.
            free = [module for module, names in left.items() if not names & left.keys()]
            if not free:
                break
            for module in free:
                del left[module]
        self.assertEqual({module: sorted(names & left.keys()) for module, names in left.items()}, {})


if __name__ == "__main__":
    unittest.main()
