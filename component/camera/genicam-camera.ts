import type { CameraSourceOf } from '../contract/camera-config.ts';
import { GstreamerCamera, type PipelineFormat } from './gstreamer-camera.ts';

type GenicamSource = CameraSourceOf<'genicam'>;

const FORMATS: Readonly<Record<GenicamSource['pixelFormat'], PipelineFormat>> = {
  mono8: { caps: 'video/x-raw,format=GRAY8', format: 'gray8' },
  mono16: { caps: 'video/x-raw,format=GRAY16_LE', format: 'mono16' },
  bayerrg8: { caps: 'video/x-bayer,format=rggb', format: 'bayerrg8' },
  bayergr8: { caps: 'video/x-bayer,format=grbg', format: 'bayergr8' },
  bayergb8: { caps: 'video/x-bayer,format=gbrg', format: 'bayergb8' },
  bayerbg8: { caps: 'video/x-bayer,format=bggr', format: 'bayerbg8' },
  rgb8: { caps: 'video/x-raw,format=RGB', format: 'rgb24' },
};

/**
 * An industrial camera through Aravis' GStreamer source (Debian: libaravis-0.8-0). Its pixels go
 * into slots as they come, Bayer and 16-bit ones too: the addon has a pass for them.
 */
export function createGenicamCamera(source: GenicamSource): GstreamerCamera {
  return new GstreamerCamera({
    what: `GenICam camera ${source.camera}`,
    elements: genicamElements(source),
    stallTimeoutMs: source.stallTimeoutMs,
    format: FORMATS[source.pixelFormat],
  });
}

function genicamElements(source: GenicamSource): string[] {
  const { camera, offset, exposureUs, gainDb } = source;
  const { size, framesPerSecond } = source;
  const asked = [
    ...(size === undefined ? [] : [`width=${size.width}`, `height=${size.height}`]),
    // As GStreamer counts rates: a fraction.
    ...(framesPerSecond === undefined
      ? []
      : [`framerate=${Math.round(framesPerSecond * 1000)}/1000`]),
  ];
  return [
    'aravissrc',
    `camera-name=${camera}`,
    `packet-resend=${source.resendsPackets}`,
    ...(offset === undefined ? [] : [`offset-x=${offset.x}`, `offset-y=${offset.y}`]),
    ...(exposureUs === undefined ? [] : ['exposure-auto=off', `exposure=${exposureUs}`]),
    ...(gainDb === undefined ? [] : ['gain-auto=off', `gain=${gainDb}`]),
    ...(asked.length === 0
      ? []
      : ['!', 'capsfilter', `caps=${[FORMATS[source.pixelFormat].caps, ...asked].join(',')}`]),
  ];
}
