"""Runs train.py's main in one forked process after the other, so that TensorFlow is imported once.

Each line of standard input is a request {"arguments": [...], "log": "file", "compiled": true}. It
is answered by a line with the process's number, and at its end by one with its exit code. What is
not compiled starts sooner, but cannot export.
"""

import json
import os
import sys
from unittest import mock

import tensorflow as tf

import train

for pool in (
    tf.config.threading.set_intra_op_parallelism_threads,
    tf.config.threading.set_inter_op_parallelism_threads,
):
    pool(1)  # sums in the same order, so the same weights
mock.patch("train.LEAST_STEPS", 1).start()  # short epochs: one can be killed after each
for line in sys.stdin:
    request = json.loads(line)
    process = os.fork()
    if not process:
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())
        tf.config.run_functions_eagerly(not request["compiled"])
        os._exit(train.main(request["arguments"]))
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
