import { z } from 'zod';
import { described, integer, number, secretSchema } from './config-values.ts';

const kindOf = <K extends string>(kind: K, description: string) =>
  z.literal(kind).meta({ description });

const stallTimeoutMs = described(
  integer(500, 600_000).default(10_000),
  'The source is opened again when no frame came for so long, in milliseconds',
);

/** What every source at an HTTP address has. */
const httpAddress = {
  url: described(
    z.string().min(1),
    '`http(s)://…`. A password belongs into `password`; one that the camera wants in the query is shown as `***`',
  ),
  username: described(
    z.string().min(1).optional(),
    'User name, for Basic or Digest as the camera asks',
  ),
  password: described(
    secretSchema.optional(),
    'Where the password is: `{ file: … }` or `{ env: … }`',
  ),
  timeoutMs: described(
    integer(100, 120_000).default(5000),
    'An answer must begin within so long, and a single picture be there, in milliseconds',
  ),
};

export const testPatternSource = z.strictObject({
  kind: kindOf('test-pattern', 'Pictures with known contents, made by Vedette itself'),
  width: described(integer(64, 8192).default(640), 'Width in pixels'),
  height: described(integer(48, 8192).default(480), 'Height in pixels'),
  framesPerSecond: described(number(0.001, 1000).default(10), 'Pace with `pace: source`'),
});

export const httpSnapshotSource = z.strictObject({
  kind: kindOf('http-snapshot', 'One picture after another from an HTTP address'),
  ...httpAddress,
  intervalMs: described(
    integer(10, 86_400_000).default(1000),
    'From the beginning of one request to that of the next, in milliseconds',
  ),
});

export const httpMjpegSource = z.strictObject({
  kind: kindOf('http-mjpeg', 'An HTTP stream of JPEG pictures, read without ffmpeg'),
  ...httpAddress,
  stallTimeoutMs,
});
