import { describe, expect, it } from 'vitest';
import {
  captureDocumentPath,
  captureImagePath,
  resolveCapture,
} from '../../../component/registry/capture-files.ts';

const id = '019a5c1e-7d40-7abc-8def-0123456789ab';
const capturedAtMs = Date.UTC(2026, 0, 2, 23, 59, 59, 999);

describe('the place of a capture', () => {
  it.each([
    ['jpeg', 'jpg'],
    ['png', 'png'],
    ['webp', 'webp'],
    ['tiff', 'tif'],
  ] as const)('of format %s is by camera and UTC day, with extension %s', (format, extension) => {
    const path = captureImagePath({ id, camera: 'dock', capturedAtMs }, format);
    expect(path).toBe(`dock/2026/01/02/${id}.${extension}`);
    expect(captureDocumentPath(path)).toBe(`dock/2026/01/02/${id}.json`);
  });

  it.each([
    { id: '../../x', camera: 'dock', capturedAtMs },
    { id, camera: '..', capturedAtMs },
    { id, camera: 'a/b', capturedAtMs },
    { id, camera: 'dock', capturedAtMs: Number.NaN },
  ])('cannot be led elsewhere: %o', (capture) => {
    expect(() => captureImagePath(capture, 'jpeg')).toThrow(/UUID, a camera name and a time/);
  });

  it.each(['../x.jpg', '/etc/passwd', 'dock/../../x.jpg', ''])(
    'is refused when it lies outside of the folder: %j',
    (path) => {
      expect(() => resolveCapture('/data/captures', path)).toThrow(/leads out/);
    },
  );

  it('is resolved inside the folder', () => {
    expect(resolveCapture('/data/captures', 'dock/x.jpg')).toBe('/data/captures/dock/x.jpg');
  });
});
