import type { CameraHealthChange } from '../camera/camera-health.ts';
import { VedetteError } from '../contract/errors.ts';
import type { Notice } from '../contract/ports.ts';

/** That a condition of a camera began, or that it is over and how long it lasted. */
export function healthNotice(
  camera: string,
  { kind, hasBegun, message, lastedMs = 0 }: CameraHealthChange,
): Notice {
  const what = hasBegun ? kind : `${kind} is over after ${Math.round(lastedMs / 1000)} s`;
  const error = new VedetteError('CAMERA_PICTURE_BAD', `camera ${camera}, ${what}: ${message}`, {
    details: { camera, condition: kind, ...(hasBegun ? {} : { lastedMs: Math.round(lastedMs) }) },
  });
  return { atMs: Date.now(), level: hasBegun ? 'warn' : 'info', error: error.serialize() };
}
