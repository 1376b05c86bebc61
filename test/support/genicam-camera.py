"""A GenICam camera that speaks GigE Vision on the loopback: Aravis' own, for tests.

Needs the Debian packages python3-gi and gir1.2-aravis-0.8, and Debian's own interpreter.
Prints `ready` once it answers. Ends with its standard input.
"""

import sys

import gi

gi.require_version("Aravis", "0.8")
from gi.repository import Aravis  # noqa: E402

camera = Aravis.GvFakeCamera.new("127.0.0.1", sys.argv[1])
if not camera.is_running():
    sys.exit("the port of GigE Vision (UDP 3956) is taken")
print("ready", flush=True)
sys.stdin.read()
