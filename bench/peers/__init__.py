"""Every contender of the benchmark, one short file each, run in a process of its own. See `protocol`."""
