"""What is freed stays with the process: memory that comes again is not made of fresh pages."""

import resource
import subprocess
import sys

import pytest

ROUNDS, BATCH_BYTES = 20, 48 << 20
PROGRAM = """
import resource, sys
import numpy as np
from unmasq.base.heap import tune_for_large_batches
assert sys.argv[1] == "as it is" or tune_for_large_batches()
for _ in range(int(sys.argv[2])):
    batch = [np.ones(1 << 20, "u1") for _ in range(int(sys.argv[3]) >> 20)]
    del batch
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def pages_fetched(how):
    command = [sys.executable, "-c", PROGRAM, how, str(ROUNDS), str(BATCH_BYTES)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_memory_that_comes_again_is_not_fetched_again():
    as_it_is = pages_fetched("as it is")
    if as_it_is < ROUNDS * BATCH_BYTES // resource.getpagesize() // 2:
        pytest.skip("this C library keeps what is freed anyway")
    assert pages_fetched("kept") < as_it_is / 2
