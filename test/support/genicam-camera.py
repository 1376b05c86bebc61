"""A GenICam camera that speaks GigE Vision on the loopback: Aravis' own, for tests.

It has two inputs: Line1, which takes a picture for each pulse, and Line0, which is wired
to nothing; their edges are settings without effect. Needs the Debian packages python3-gi and
gir1.2-aravis-0.8, and Debian's own interpreter. Prints `ready` once it answers, and an answer to each
line of its standard input: `pulse`, `registers`, `release` (who controls it does no more), `lose RATIO`
(packets of pictures). Ends with that.
"""

import json
import sys
import tempfile

import gi

gi.require_version("Aravis", "0.8")
from gi.repository import Aravis  # noqa: E402

TRIGGER_SOFTWARE = 0x30C
REGISTERS = {
    "gainAuto": 0x114,
    "triggerMode": 0x300,
    "triggerSource": 0x304,
    "triggerActivation": 0x308,
}


def description() -> str:
    """Aravis' own, whose engine takes a picture by register where TriggerSource has the value 1."""
    xml = Aravis.FakeCamera.new("description").get_genicam_xml()
    text = xml[0] if isinstance(xml, tuple) else xml
    entry = '<EnumEntry Name="{}" NameSpace="Standard">\n\t\t\t<Value>{}</Value>\n\t\t</EnumEntry>'
    for before, after in (
        (entry.format("Software", 1), entry.format("Line1", 1)),
        (
            entry.format("RisingEdge", 0),
            entry.format("RisingEdge", 0) + entry.format("FallingEdge", 1),
        ),
    ):
        if text.count(before) != 1:
            sys.exit(f"Aravis' camera is not as expected: {before}")
        text = text.replace(before, after)
    return text


with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
    file.write(description())
    file.flush()
    camera = Aravis.GvFakeCamera.new_full("127.0.0.1", sys.argv[1], file.name)
if not camera.is_running():
    sys.exit("the port of GigE Vision (UDP 3956) is taken")
engine = camera.get_fake_camera()
print("ready", flush=True)
for line in sys.stdin:
    command, *arguments = line.split()
    answer = {}
    if command == "pulse":
        engine.write_register(TRIGGER_SOFTWARE, 1)
    elif command == "registers":
        answer = {name: engine.read_register(at).value for name, at in REGISTERS.items()}
    elif command == "release":
        engine.set_control_channel_privilege(0)
    elif command == "lose":
        camera.set_property("gvsp-lost-ratio", float(arguments[0]))
    print(json.dumps(answer), flush=True)
