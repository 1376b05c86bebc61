import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import SqliteDatabase from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import type { Delivered } from '../../../component/contract/delivery.ts';
import { EmulatedNucleus } from '../../support/nucleus/emulated-nucleus.ts';
import { LITE } from '../../support/nucleus/personality.ts';
import { buildRecorder } from '../../support/power-cut/build-recorder.ts';
import { RecordedWrites } from '../../support/power-cut/lost-writes.ts';
import { openRegistry, temporaryFolder } from '../registry/temporary-registry.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const program = path.join(import.meta.dirname, '../../support/deliver-until-killed.ts');

test.each([
  { way: 'through the nucleus', hasLedger: false, results: 250, cuts: isDeep ? 200 : 8 },
  { way: 'in a batch of the ledger', hasLedger: true, results: 30, cuts: isDeep ? 200 : 3 },
])(
  `a power cut never takes back a message that has left $way: its number is not given again ($cuts cuts)`,
  { timeout: isDeep ? 720_000 : 180_000 },
  async ({ hasLedger, results, cuts }) => {
    const nucleus = await EmulatedNucleus.start(LITE);
    onTestFinished(() => nucleus.close());
    const folder = await temporaryFolder();
    const dataFolder = path.join(folder, 'data');
    mkdirSync(dataFolder);
    const ledgerFolder = hasLedger ? path.join(folder, 'ledger') : '-';
    if (hasLedger) mkdirSync(ledgerFolder);
    const log = path.join(folder, 'writes.log');
    const child = spawn(process.execPath, [program, dataFolder, ledgerFolder, String(results)], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        ...nucleus.environment,
        LD_PRELOAD: buildRecorder(),
        RECORD_FOLDER: dataFolder,
        RECORD_LOG: log,
      },
    });
    const exited = once(child, 'exit');
    /** Messages by how much had been written down when they had certainly left. */
    const left: { readonly at: number; readonly message: Delivered }[] = [];
    const batches = new Set<string>();
    const watching = setInterval(() => note(), 1);
    let sent = 0;
    const note = (): void => {
      // Looked at before the log: what is there now was synced by then.
      const names = hasLedger
        ? readdirSync(ledgerFolder, { recursive: true, encoding: 'utf8' })
        : [];
      const at = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
      for (const { payload } of nucleus.published.slice(sent)) {
        if (!hasLedger) left.push({ at, message: JSON.parse(payload.toString()) as Delivered });
        sent += 1;
      }
      for (const name of names) {
        if (!name.endsWith('.jsonl.gz') || batches.has(name)) continue;
        batches.add(name);
        const text = gunzipSync(readFileSync(path.join(ledgerFolder, name))).toString();
        for (const line of text.trimEnd().split('\n')) {
          left.push({ at, message: JSON.parse(line) as Delivered });
        }
      }
    };
    expect(await exited).toEqual([0, null]);
    clearInterval(watching);
    note();
    expect(left.length).toBeGreaterThanOrEqual(hasLedger ? 1 : results);

    const recorded = new RecordedWrites(log, dataFolder);
    // Every cut hits something that has left: from the first message on.
    const first = left[0]!.at;
    for (let cut = 0; cut < cuts; cut += 1) {
      const at = first + Math.floor((recorded.byteLength - first) * Math.random());
      const target = path.join(folder, `cut-${cut}`);
      mkdirSync(target);
      // Nothing of what was not synced, or each page of it by chance.
      recorded.restore(target, at, {
        kept: cut % 2 === 0 ? 0 : Math.random(),
        random: Math.random,
      });
      const gone = left.filter((one) => one.at <= at).map(({ message }) => message);
      const { registry, notices } = await openRegistry(target);
      await registry.close();
      expect(notices).toEqual([]);
      const db = new SqliteDatabase(path.join(target, 'registry.db'), { readonly: true });
      try {
        expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
        const find = db
          .prepare<[string], number>('SELECT camera_sequence FROM results WHERE id = ?')
          .pluck();
        const lost = gone.filter(
          (one) => one.kind === 'result' && find.get(one.id) !== one.result.cameraSequence,
        );
        expect(lost.map(({ id }) => id)).toEqual([]);
        const last = db
          .prepare<[string], number>('SELECT last_sequence FROM outbox_cameras WHERE camera = ?')
          .pluck();
        for (const { camera, sequence } of gone) {
          expect(last.get(camera)).toBeGreaterThanOrEqual(sequence);
        }
      } finally {
        db.close();
      }
    }
  },
);
