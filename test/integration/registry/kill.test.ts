import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import SqliteDatabase from 'better-sqlite3';
import { expect, it } from 'vitest';
import { openRegistry, temporaryFolder } from './temporary-registry.ts';

const KILLS = process.env['VEDETTE_DEEP'] === '1' ? 200 : 5;
const program = join(import.meta.dirname, 'append-until-killed.ts');

interface Acknowledged {
  readonly id: string;
  readonly camera: string;
  readonly sequence: string;
}

/** Runs the program and kills it after some acknowledgements and a moment more. */
async function appendAndKill(dataFolder: string, afterRows: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [program, dataFolder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const acknowledged: Acknowledged[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [id = '', camera = '', sequence = ''] = line.split(' ');
    if (id === 'ready') continue;
    acknowledged.push({ id, camera, sequence });
    if (acknowledged.length === afterRows) {
      // At any point of a commit: a random fraction of a few milliseconds later.
      setTimeout(() => child.kill('SIGKILL'), Math.random() * 5);
    }
  }
  const [, signal] = (await exited) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return acknowledged;
}

it(`every acknowledged result is there after kill -9, numbered without gaps (${KILLS} kills)`, async () => {
  const dataFolder = await temporaryFolder();
  const acknowledged: Acknowledged[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const afterRows = 1 + Math.floor(Math.random() * 300);
    acknowledged.push(...(await appendAndKill(dataFolder, afterRows)));
    expectAllStored(join(dataFolder, 'registry.db'), acknowledged);
  }
  const { registry, notices } = await openRegistry(dataFolder);
  expect(notices).toEqual([]);
  const { id, sequence } = acknowledged.findLast(({ camera }) => camera === 'dock')!;
  expect((await registry.result(id)).cameraSequence).toBe(Number(sequence));
});

/** Looks into the file as it was left, log included. */
function expectAllStored(file: string, acknowledged: readonly Acknowledged[]): void {
  const db = new SqliteDatabase(file);
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(db.pragma('foreign_key_check')).toEqual([]);
    const stored = new Map(
      db
        .prepare<[], { id: string; text: string }>(
          `SELECT id, ifnull(camera, '-') || ' ' || ifnull(camera_sequence, '-') AS text FROM results`,
        )
        .all()
        .map(({ id, text }) => [id, text]),
    );
    const missing = acknowledged.filter(
      ({ id, camera, sequence }) => stored.get(id) !== `${camera} ${sequence}`,
    );
    expect(missing).toEqual([]);
    const gaps = db
      .prepare(
        `SELECT camera FROM results WHERE camera IS NOT NULL GROUP BY camera
         HAVING min(camera_sequence) <> 1 OR max(camera_sequence) <> count(*)
         OR count(DISTINCT camera_sequence) <> count(*)`,
      )
      .all();
    expect(gaps).toEqual([]);
    const counters = db
      .prepare(
        `SELECT name FROM cameras WHERE last_sequence <>
         (SELECT max(camera_sequence) FROM results WHERE camera = name)`,
      )
      .all();
    expect(counters).toEqual([]);
  } finally {
    db.close();
  }
}
