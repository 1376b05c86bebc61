import { shownAddress } from './shown-address.ts';

/**
 * Elements that a configured pipeline may hold: sources, decoders, converters. A configuration comes
 * over the network, and GStreamer has elements that write files, send streams or load code; what is
 * not here is refused by name.
 */
export const GSTREAMER_ELEMENTS = [
  ...['aravissrc', 'filesrc', 'libcamerasrc', 'nvarguscamerasrc', 'nvv4l2camerasrc', 'rtspsrc'],
  ...['souphttpsrc', 'udpsrc', 'v4l2src', 'videotestsrc', 'ximagesrc'],
  ...['decodebin', 'jpegdec', 'avdec_h264', 'avdec_h265', 'avdec_mjpeg', 'openh264dec', 'vp8dec'],
  ...['nvjpegdec', 'nvv4l2decoder', 'nvvidconv', 'nvvideoconvert', 'v4l2convert', 'v4l2h264dec'],
  ...['v4l2h265dec', 'v4l2jpegdec', 'vah264dec', 'vah265dec', 'vajpegdec', 'vapostproc'],
  ...['vaapih264dec', 'vaapih265dec', 'vaapijpegdec', 'vaapipostproc', 'mppvideodec'],
  ...['h264parse', 'h265parse', 'jpegparse', 'qtdemux', 'matroskademux', 'tsdemux'],
  ...['multipartdemux', 'rtph264depay', 'rtph265depay', 'rtpjpegdepay', 'rtpjitterbuffer'],
  ...['bayer2rgb', 'clocksync', 'deinterlace', 'identity', 'queue', 'rawvideoparse', 'videobox'],
  ...['videoconvert', 'videocrop', 'videoflip', 'videorate', 'videoscale', 'watchdog'],
] as const;

const ALLOWED: ReadonlySet<string> = new Set(GSTREAMER_ELEMENTS);
const CAPS = /^(?:video|image|application)\/[a-z0-9-]+(?:\([\w:]+\))?(?:,[\w-]+=[^,]+)*$/i;
const PROPERTY = /^[a-z][\w-]*=./i;
/** By any spelling that GStreamer takes, and the properties that a login may be a part of. */
const SECRET_PROPERTY =
  /^(?:(?:user|proxy)[-_]pw|password|cookies|extra[-_](?:http[-_]request[-_])?headers)=|^proxy=.*@/i;

/** The arguments of gst-launch-1.0, one word each. */
export const pipelineElements = (pipeline: string): string[] => pipeline.trim().split(/\s+/);

/** Why a pipeline is refused; `undefined` when it is one chain of allowed elements. */
export function pipelineProblem(pipeline: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/["'\\\x00-\x08\x0b-\x1f]/.test(pipeline)) {
    return 'must hold no quotes, backslashes and control characters; they are not needed without a shell';
  }
  const parts = pipeline.trim().split(/\s+!\s+/);
  for (const part of parts) {
    const [first = '', ...rest] = part.split(/\s+/);
    if (!ALLOWED.has(first) && !(rest.length === 0 && CAPS.test(first))) {
      return `the element ${first || '(nothing)'} is not allowed; allowed are ${GSTREAMER_ELEMENTS.toSorted().join(', ')} and caps such as video/x-raw,width=640`;
    }
    for (const property of rest) {
      const name = property.split('=', 1)[0];
      if (!PROPERTY.test(property)) {
        return `${name} after ${first} is no property=value; elements are joined by « ! » to one chain`;
      }
      if (SECRET_PROPERTY.test(property) || shownAddress(property) !== property) {
        return `${name} of ${first} holds a login, which every process list would show; use kind ffmpeg for a stream with a password`;
      }
    }
  }
  return undefined;
}
