from __future__ import annotations

import os
import subprocess
import sys

import pytest

from marketplace.demo import cpu
from marketplace.demo.cpu import Process, tree_seconds

BURN = """
import sys, time
while time.process_time() < 0.3: pass
print("burnt", flush=True)
sys.stdin.read()
"""
needs_proc = pytest.mark.skipif(not cpu.PROC.is_dir(), reason="only Linux tells of processes")


def test_a_tree_is_counted_whole_and_its_neighbours_are_not():
    seen = {
        1: Process(0, 100.0, 0, "init"),
        10: Process(1, 1.0, 0, "site"),
        11: Process(10, 2.0, 0, "web"),
        12: Process(11, 4.0, 0, "web worker"),
        13: Process(1, 8.0, 0, "something else"),
    }

    assert tree_seconds(10, seen) == 7.0
    assert tree_seconds(12, seen) == 4.0


@needs_proc
@pytest.mark.django_db
def test_a_part_is_known_by_its_command_and_counted_while_it_lives():
    meter = cpu.Meter(site=os.getpid())
    command = [sys.executable, "-c", BURN, "granian"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as part:
        assert part.stdout.readline() == b"burnt\n"

        during = meter.parts()
        part.stdin.close()

    assert 0.2 < during["web"] < 5
    everything = meter.all(during)
    assert everything["web"] == during["web"]
    assert everything["simulated crowd and requester"] == pytest.approx(cpu.own_seconds(), abs=1)
    assert {"PostgreSQL", "Redis"} <= everything.keys()
    assert min(everything.values()) >= 0


@needs_proc
@pytest.mark.django_db
def test_what_a_running_site_used_before_does_not_count():
    command = [sys.executable, "-c", BURN, "beat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as part:
        assert part.stdout.readline() == b"burnt\n"
        # As if this process had started after the part: it did not, so ask the sample itself.
        meter = cpu.Meter(site=os.getpid())
        before = meter._sample(since=2**62)

        assert before["clock"] > 0.2
        part.stdin.close()
