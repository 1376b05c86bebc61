import { cameraSchema } from '../contract/config.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';
import { hasCredentials } from './url-credentials.ts';

/** The most memory that the addon takes for one camera's frames. */
const MAX_RING_BYTES = 8 * 1024 ** 3;
const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const SCHEMES = ['rtsp:', 'rtsps:', 'http:', 'https:', 'file:'];

/**
 * What would keep a camera from starting although each of its settings is well-formed. `camera` is
 * as it was written; what the schema refuses is left to the schema.
 */
export function cameraProblems(path: string, camera: unknown): ConfigurationProblem[] {
  const url = (camera as { source?: { url?: unknown } } | null)?.source?.url;
  const address = typeof url === 'string' ? addressProblem(url) : undefined;
  const problems: ConfigurationProblem[] = [];
  if (address !== undefined) problems.push({ path: `${path}.source.url`, message: address });

  const parsed = cameraSchema.safeParse(camera);
  if (!parsed.success) return problems;
  const { source, policy, slots, maxFrameBytes } = parsed.data;
  const isWatched = source.kind === 'folder' && source.mode === 'watch';
  if (policy === 'newest' && (isWatched || source.kind === 'push')) {
    const reason = isWatched
      ? 'a watched folder must not skip a file'
      : 'whoever pushes a frame waits for its verdict';
    problems.push({
      path: `${path}.policy`,
      message: `${reason}; expected "auto" or "every", got "newest"`,
    });
  }
  if (slots * maxFrameBytes > MAX_RING_BYTES) {
    problems.push({
      path: `${path}.maxFrameBytes`,
      message:
        `times \`slots\` (${slots}) may be at most ${MAX_RING_BYTES} bytes, ` +
        `got ${maxFrameBytes} each and ${slots * maxFrameBytes} together`,
    });
  }
  if (
    source.kind === 'ffmpeg' &&
    /^https?:/i.test(source.url) &&
    source.inputFormat !== 'auto' &&
    (source.username !== undefined || source.password !== undefined)
  ) {
    problems.push({
      path: `${path}.source.inputFormat`,
      message: `cannot be asked of an address with a password; expected "auto", got "${source.inputFormat}"`,
    });
  }
  return problems;
}

/** Never repeats the address: what is wrong with it may be its password. */
function addressProblem(url: string): string | undefined {
  if (hasCredentials(url)) {
    // A configuration is copied, mailed and shown; a password in it would go along.
    return (
      'holds a user name or password; set `username` and `password: { file: … }` or ' +
      '`password: { env: … }` beside it'
    );
  }
  if (!HAS_SCHEME.test(url)) return undefined;
  const scheme = url.slice(0, url.indexOf(':') + 1).toLowerCase();
  if (!SCHEMES.includes(scheme)) {
    return `expected a file path, /dev/video…, rtsp(s)://… or http(s)://…, got ${scheme}…`;
  }
  if (!URL.canParse(url) || (scheme !== 'file:' && new URL(url).hostname === '')) {
    return `is no address: expected ${scheme}//host/path, with a port from 1 to 65535 if any`;
  }
  if (/%(?![0-9a-f]{2})/i.test(url)) return 'holds a `%` that begins no escape; write it as `%25`';
  return undefined;
}
