"""A real RTSP server for tests (GStreamer's gst-rtsp-server), told what to do over stdin.

Needs the Debian packages python3-gi, gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-base,
gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad and gstreamer1.0-plugins-ugly, and Debian's own
interpreter (/usr/bin/python3).

Arguments: [--clip FILE.mp4] [--user NAME --password WORD] [--size WxH] [--rate N] [--pattern NAME]
[--port N]
Prints `ready <port>` once it listens. Serves rtsp://127.0.0.1:<port>/live (a moving test picture,
or another pattern of videotestsrc, H.264), the same as /h265 and /mjpeg, and, with --clip, /clip
(the file once). Commands, one a line:
  stall           send nothing more, keep connections open
  resume          send again
  resize W H      change the picture size of /live, in the middle of the stream and from then on
  rate N          change how many pictures a second /live has, likewise
  unready         cut every client off; /live answers 503, after the login, from then on
  ready           /live is there again
  end             end the stream of every client (EOS)
End of stdin ends the server.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

arguments = argparse.ArgumentParser()
arguments.add_argument("--clip")
arguments.add_argument("--user")
arguments.add_argument("--password")
arguments.add_argument("--size", default="320x240")
arguments.add_argument("--rate", type=int, default=25)
arguments.add_argument("--pattern", default="ball")
arguments.add_argument("--port", type=int, default=0)
options = arguments.parse_args()

Gst.init(None)
size_of_live = tuple(int(part) for part in options.size.split("x"))
rate_of_live = options.rate
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(str(options.port))
medias = []
is_stalled = False


def caps():
    width, height = size_of_live
    return Gst.Caps.from_string(
        f"video/x-raw,width={width},height={height},framerate={rate_of_live}/1,format=I420"
    )


def on_media(_factory, media):
    medias.append(media)
    media.connect("unprepared", lambda gone: medias.remove(gone) if gone in medias else None)
    set_stalled([media], is_stalled)
    set_picture([media])


def set_picture(which):
    for media in which:
        size = media.get_element().get_by_name("size")
        if size is not None:
            size.set_property("caps", caps())


def set_stalled(which, value):
    for media in which:
        valve = media.get_element().get_by_name("valve")
        if valve is not None:
            valve.set_property("drop", value)


def serve(path, pipeline):
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {pipeline} )")
    factory.set_shared(True)
    factory.connect("media-configure", on_media)
    if options.user is not None:
        factory.add_role_from_structure(permissions())
    server.get_mount_points().add_factory(path, factory)


def set_ready(is_ready):
    server.get_mount_points().remove_factory("/live")
    serve("/live", LIVE if is_ready else UNREADY)
    if not is_ready:
        server.client_filter(lambda _server, _client: GstRtspServer.RTSPFilterResult.REMOVE)


def permissions():
    structure = Gst.Structure.new_empty("viewer")
    structure.set_value("media.factory.access", True)
    structure.set_value("media.factory.construct", True)
    return structure


if options.user is not None:
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(2)  # digest, as cameras ask for it
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(options.user, options.password, token)
    server.set_auth(auth)

SOURCE = (
    f"videotestsrc is-live=true pattern={options.pattern} ! capsfilter name=size "
    f'caps="{caps().to_string()}" ! valve name=valve ! '
)
LIVE = (
    f"{SOURCE} x264enc tune=zerolatency sliced-threads=false threads=1 speed-preset=ultrafast "
    f"key-int-max={options.rate} ! "
    "h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 config-interval=-1"
)
# Its pipeline cannot begin.
UNREADY = "filesrc location=/nowhere/at/all ! h264parse ! rtph264pay name=pay0 pt=96"
serve("/live", LIVE)
serve(
    "/h265",
    f"{SOURCE} x265enc tune=zerolatency speed-preset=ultrafast key-int-max={options.rate} ! "
    "h265parse config-interval=-1 ! rtph265pay name=pay0 pt=96 config-interval=-1",
)
serve("/mjpeg", f"{SOURCE} jpegenc ! rtpjpegpay name=pay0 pt=26")
if options.clip is not None:
    serve(
        "/clip",
        f'filesrc location="{options.clip}" ! qtdemux ! h264parse ! '
        "rtph264pay name=pay0 pt=96 config-interval=-1",
    )


def on_command(channel, condition):
    global is_stalled, size_of_live, rate_of_live
    line = sys.stdin.readline()
    if line == "":
        loop.quit()
        return False
    words = line.split()
    if words[0] in ("stall", "resume"):
        is_stalled = words[0] == "stall"
        set_stalled(medias, is_stalled)
    elif words[0] == "resize":
        size_of_live = (int(words[1]), int(words[2]))
        set_picture(medias)
    elif words[0] == "rate":
        rate_of_live = int(words[1])
        set_picture(medias)
    elif words[0] in ("unready", "ready"):
        set_ready(words[0] == "ready")
    elif words[0] == "end":
        for media in medias:
            media.get_element().send_event(Gst.Event.new_eos())
    print("ok", flush=True)
    return True


loop = GLib.MainLoop()
server.attach(None)
GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, on_command)
print(f"ready {server.get_bound_port()}", flush=True)
loop.run()
