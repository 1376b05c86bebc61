import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { Receiver } from '../../support/delivery-parts.ts';
import { gapsOf, readLedger } from '../../support/ledger-reader.ts';
import { EmulatedNucleus } from '../../support/nucleus/emulated-nucleus.ts';
import { LITE } from '../../support/nucleus/personality.ts';
import { temporaryFolder } from '../registry/temporary-registry.ts';

const KILLS = process.env['VEDETTE_DEEP'] === '1' ? 200 : 8;
const program = path.join(import.meta.dirname, '../../support/deliver-until-killed.ts');

function start(nucleus: EmulatedNucleus, dataFolder: string, ledgerFolder: string, mode: string) {
  return spawn(process.execPath, [program, dataFolder, ledgerFolder, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...nucleus.environment },
  });
}

test(
  `after kill -9 everything that was stored leaves, by message and ledger, with at most one extra copy for each kill (${KILLS} kills)`,
  { timeout: KILLS * 4000 + 30_000 },
  async () => {
    const nucleus = await EmulatedNucleus.start(LITE);
    onTestFinished(() => nucleus.close());
    const dataFolder = await temporaryFolder();
    const ledgerFolder = await temporaryFolder();
    const acknowledged: string[] = [];
    /** How much had been published at the end of each process. */
    const ends: number[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = start(nucleus, dataFolder, ledgerFolder, 'for-ever');
      const exited = once(child, 'exit');
      const afterRows = acknowledged.length + 1 + Math.floor(Math.random() * 60);
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged.push(line);
        // At any point of a commit, a batch or a publish: a random fraction of some milliseconds later.
        if (acknowledged.length === afterRows) {
          setTimeout(() => child.kill('SIGKILL'), Math.random() * 20);
        }
      }
      expect(await exited).toEqual([null, 'SIGKILL']);
      ends.push(nucleus.published.length);
    }
    const last = start(nucleus, dataFolder, ledgerFolder, '1');
    for await (const line of createInterface({ input: last.stdout })) acknowledged.push(line);
    if (last.exitCode === null) await once(last, 'exit');
    expect(last.exitCode).toBe(0);

    const receiver = new Receiver();
    for (const { payload } of nucleus.published) receiver.receive(payload);
    const textOf = (one: { readonly kind: string }) => {
      const { result } = one as unknown as {
        result: { id: string; camera: string; cameraSequence: number };
      };
      return `${result.id} ${result.camera} ${result.cameraSequence}`;
    };
    const results = [...receiver.messages.values()].filter(({ kind }) => kind === 'result');
    const received = new Set(results.map(textOf));
    expect(acknowledged.filter((one) => !received.has(one))).toEqual([]);
    // No process sends anything twice: each kill adds one copy at most.
    for (const [run, end] of [...ends, nucleus.published.length].entries()) {
      const sent = new Receiver();
      for (const { payload } of nucleus.published.slice(ends[run - 1] ?? 0, end)) {
        sent.receive(payload);
      }
      expect([...sent.copies.values()].filter((count) => count > 1)).toEqual([]);
    }

    const files = await readdir(ledgerFolder, { recursive: true, withFileTypes: true });
    const objects = files
      .filter((file) => file.isFile() && !file.name.endsWith('.part'))
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .map(async (file) => [path.relative(ledgerFolder, file), await readFile(file)] as const);
    const { lines } = readLedger(new Map(await Promise.all(objects)));
    expect(lines.length).toBe(new Set(lines.map(({ id }) => id)).size);
    const inLedger = new Set(lines.filter(({ kind }) => kind === 'result').map(textOf));
    expect(acknowledged.filter((one) => !inLedger.has(one))).toEqual([]);
    for (const camera of ['dock', 'gate']) {
      expect(gapsOf(lines, camera)).toEqual([]);
      expect(gapsOf([...receiver.messages.values()], camera)).toEqual([]);
    }
  },
);
