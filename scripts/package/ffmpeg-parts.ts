const enable = (kind: string, names: string): string =>
  `--enable-${kind}=${names.trim().split(/\s+/).join(',')}`;

/**
 * What of ffmpeg ships: enough for every camera of docs/CAMERAS.md but addresses under TLS, for which a
 * device needs an ffmpeg of its own (`ffmpeg.path`).
 */
export const FFMPEG_PARTS: readonly string[] = [
  '--disable-autodetect',
  '--disable-everything',
  '--disable-doc',
  '--disable-ffplay',
  '--disable-debug',
  enable('indev', 'v4l2 lavfi'),
  enable('protocol', 'file pipe http tcp udp rtp hls'),
  enable(
    'demuxer',
    `rtsp sdp rtp hls mov matroska mpegts avi flv mjpeg mpjpeg image2 h264 hevc mpegvideo m4v
     rawvideo concat`,
  ),
  enable(
    'decoder',
    `h264 hevc mjpeg mpeg4 mpeg2video mpeg1video vp8 vp9 h263 rawvideo msmpeg4v3 wrapped_avframe`,
  ),
  enable('parser', 'h264 hevc mjpeg mpeg4video mpegvideo vp8 vp9 h263'),
  enable('bsf', 'h264_mp4toannexb hevc_mp4toannexb mjpeg2jpeg extract_extradata'),
  enable('encoder', 'rawvideo mjpeg wrapped_avframe'),
  enable('muxer', 'rawvideo yuv4mpegpipe image2 image2pipe mjpeg null segment mp4 matroska mpegts'),
  enable(
    'filter',
    `scale fps format transpose hflip vflip crop null setpts showinfo yadif testsrc testsrc2 settb
     trim copy select metadata realtime`,
  ),
];
