import { describe, expect, it } from 'vitest';
import type { NewResult } from '../../../component/contract/ports.ts';
import { decodeCursor, encodeCursor } from '../../../component/registry/page-cursor.ts';
import { fromStoredResult, toResultRow } from '../../../component/registry/result-row.ts';
import { isStorageFault, toRegistryError } from '../../../component/registry/sqlite-fault.ts';

const result: NewResult = {
  schemaVersion: 1,
  id: 'r-1',
  thing: 't',
  camera: 'dock',
  context: { partId: 'A-113' },
  model: { name: 'm', version: '1.0.0', sha256: 's', variant: 'fp32', executionProvider: 'cpu' },
  frame: { sequence: 3, capturedAt: '2026-11-21T09:00:00.123Z', width: 4, height: 5 },
  detections: ['person', 'car', 'person'].map((label) => ({
    label,
    labelIndex: 0,
    score: 0.5,
    box: { x: 0, y: 0, width: 1, height: 1 },
  })),
  classes: [{ label: 'night', labelIndex: 0, score: 0.9 }],
  captureId: 'c-1',
  verdict: { outcome: 'fail', reason: 'too many' },
  timings: { queueMs: 0, preprocessMs: 0, runMs: 0, decodeMs: 0, totalMs: 0 },
};

describe('a row of a result', () => {
  it('holds what queries look at: distinct labels of detections and classes', () => {
    expect(toResultRow(result)).toMatchObject({
      id: 'r-1',
      camera: 'dock',
      model: 'm',
      outcome: 'fail',
      capturedAtMs: Date.UTC(2026, 10, 21, 9, 0, 0, 123),
      labels: ['person', 'car', 'night'],
    });
  });

  it('becomes the same result again; number and capture come from the tables', () => {
    const { json } = toResultRow({ ...result, cameraSequence: 99 } as NewResult);
    const { captureId: _, ...bare } = result;
    expect(fromStoredResult({ json, cameraSequence: null, captureId: null })).toEqual(bare);
    expect(fromStoredResult({ json, cameraSequence: 7, captureId: 'c-1' })).toEqual({
      ...result,
      cameraSequence: 7,
    });
  });

  it('needs a time', () => {
    const bad = { ...result, frame: { ...result.frame, capturedAt: 'yesterday' } };
    expect(() => toResultRow(bad)).toThrow(/ISO 8601.*yesterday/);
  });
});

it('a cursor is opaque text and leads back to its place', () => {
  const position = { capturedAtMs: 1_795_258_163_170, key: 19_999 };
  const cursor = encodeCursor(position);
  expect(cursor).toMatch(/^[\w-]+$/);
  expect(decodeCursor(cursor)).toEqual(position);
  for (const bad of ['', 'x', Buffer.from('1.2.3').toString('base64url')]) {
    expect(() => decodeCursor(bad)).toThrow(/nextCursor/);
  }
});

describe('a fault of SQLite', () => {
  const fault = (code: string) => Object.assign(new Error('because'), { code });

  it.each([
    ['SQLITE_FULL', 'STORAGE_FULL', true],
    ['ENOSPC', 'STORAGE_FULL', false],
    ['SQLITE_IOERR_WRITE', 'REGISTRY_UNAVAILABLE', true],
    ['SQLITE_BUSY', 'REGISTRY_UNAVAILABLE', true],
    ['SQLITE_CORRUPT_VTAB', 'REGISTRY_UNAVAILABLE', false],
    ['SQLITE_CONSTRAINT_CHECK', 'INTERNAL', false],
  ] as const)('%s is reported as %s', (sqlite, code, isRefused) => {
    expect(isStorageFault(fault(sqlite))).toBe(isRefused);
    const error = toRegistryError(fault(sqlite), '/tmp', 'It failed');
    expect(error).toMatchObject({ code, message: expect.stringContaining('because') as string });
  });
});
