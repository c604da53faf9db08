"""Writes a remote-write body of one sample, taken now, to stdout: `one_sample.py NAME VALUE`."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.remote_write import encode_v1

if __name__ == "__main__":
    name, value = sys.argv[1:]
    sys.stdout.buffer.write(encode_v1([({"__name__": name}, [(int(time.time() * 1000), float(value))])]))
