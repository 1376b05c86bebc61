import { checkCameraSource } from '../contract/check-camera-source.ts';
import { cameraSchema, type CameraConfig } from '../contract/camera-config.ts';
import { secretsOfAddress } from '../contract/shown-address.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';
import { hasCredentials } from './url-credentials.ts';

/**
 * What would keep a camera from starting although each of its settings is well-formed. `camera` is
 * as it was written; what the schema refuses is left to the schema.
 */
export function cameraProblems(name: string, camera: unknown): ConfigurationProblem[] {
  const url = (camera as { source?: { url?: unknown } } | null)?.source?.url;
  const urlPath = `cameras.${name}.source.url`;
  const isTelling = typeof url === 'string' && hasCredentials(url);
  const parsed = cameraSchema.safeParse(camera);
  const problems = parsed.success
    ? [...checkCameraSource(name, parsed.data), ...formatProblems(name, parsed.data)]
    : [];
  if (!isTelling) return problems;
  // A configuration is copied, mailed and shown; a password in it would go along.
  const message =
    'holds a user name or password; set `username` and `password: { file: … }` or ' +
    '`password: { env: … }` beside it';
  return [{ path: urlPath, message }, ...problems.filter(({ path }) => path !== urlPath)];
}

function formatProblems(name: string, { source }: CameraConfig): ConfigurationProblem[] {
  if (source.kind !== 'ffmpeg' || source.inputFormat === 'auto') return [];
  const hasLogin =
    source.username !== undefined ||
    source.password !== undefined ||
    secretsOfAddress(source.url).length > 0;
  if (!hasLogin || !/^https?:/i.test(source.url)) return [];
  return [
    {
      path: `cameras.${name}.source.inputFormat`,
      message: `cannot be asked of an address with a password; expected "auto", got "${source.inputFormat}"`,
    },
  ];
}
