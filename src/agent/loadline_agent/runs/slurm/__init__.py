"""Runs whose GPUs Slurm hands out: submitted from a login node, worked on by array tasks, followed through the shared file system.

Nothing stays behind on the login node. Slurm itself keeps the jobs, every task writes into the run folder, and whoever
follows the run asks Slurm how its queue stands (`queue.py`).
"""
