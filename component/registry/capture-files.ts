import { isAbsolute, join, posix, sep } from 'node:path';
import { z } from 'zod';
import { VedetteError } from '../contract/errors.ts';
import type { EncodedFormat } from '../contract/frame.ts';
import { nameSchema } from '../contract/model-manifest.ts';
import type { StoredCapture } from '../contract/ports.ts';
import { inferenceResultSchema, outcomeSchema } from '../contract/result.ts';

const EXTENSIONS: Readonly<Record<EncodedFormat, string>> = {
  jpeg: 'jpg',
  png: 'png',
  webp: 'webp',
  tiff: 'tif',
};
export const CAPTURE_EXTENSIONS: readonly string[] = Object.values(EXTENSIONS);

/** Half-written files lie here, on the same file system, until a rename makes them captures. */
export const INCOMING_FOLDER = '.incoming';

export const captureIdPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The file beside a picture: all that is needed to register it again. */
export const captureDocumentSchema = z.object({
  schemaVersion: z.literal(1),
  capture: z.object({
    id: z.string().regex(captureIdPattern),
    resultId: z.string(),
    camera: nameSchema,
    capturedAtMs: z.number(),
    rule: z.string(),
    outcome: outcomeSchema,
  }),
  result: inferenceResultSchema,
});
export type CaptureDocument = z.infer<typeof captureDocumentSchema>;

export function captureRoot(dataFolder: string): string {
  return join(dataFolder, 'captures');
}

/**
 * `<camera>/<yyyy>/<mm>/<dd>/<id>.<ext>`, relative to the capture folder, by UTC day.
 * @throws VedetteError INTERNAL when a part could lead out of the folder
 */
export function captureImagePath(
  capture: Pick<StoredCapture, 'id' | 'camera' | 'capturedAtMs'>,
  format: EncodedFormat,
): string {
  const { id, camera, capturedAtMs } = capture;
  const time = new Date(capturedAtMs);
  if (
    !captureIdPattern.test(id) ||
    !nameSchema.safeParse(camera).success ||
    Number.isNaN(time.getTime())
  ) {
    throw new VedetteError(
      'INTERNAL',
      `A capture needs a UUID, a camera name and a time; got ${JSON.stringify({ id, camera, capturedAtMs })}`,
    );
  }
  const [day = ''] = time.toISOString().split('T');
  return posix.join(camera, ...day.split('-'), `${id}.${EXTENSIONS[format]}`);
}

/** The JSON file beside a picture. */
export function captureDocumentPath(imagePath: string): string {
  return imagePath.replace(/\.[^./]+$/, '.json');
}

/** @throws VedetteError INTERNAL when the path leads out of the capture folder */
export function resolveCapture(root: string, imagePath: string): string {
  const file = join(root, imagePath);
  if (isAbsolute(imagePath) || !file.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new VedetteError('INTERNAL', `${imagePath} leads out of the capture folder`);
  }
  return file;
}
