"""Runs: started detached, journalled, followed, resumed, cancelled."""
