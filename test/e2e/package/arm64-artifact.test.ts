import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { binaryFloors, floorProblems } from '../../../scripts/package/library-floor.ts';
import { emulatesArm64 } from '../../../scripts/setup/arm64-target.mjs';
import { makeArtifact, unpackArtifact } from '../../support/artifact.ts';
import { emulateArtifact } from '../../support/emulated-artifact.ts';
import { RuntimeProcess, samples } from '../../support/runtime-process.ts';
import { infer } from '../../support/runtime-requests.ts';

const TIMEOUT_MS = 900_000;
/** Minutes in an emulator, and as many to compile for it. */
const isDeep = process.env['VEDETTE_DEEP'] === '1';
/** An emulated run takes seconds where a real one takes milliseconds. */
const PATIENCE = { timeoutMs: 600_000, probeTimeoutMs: 600_000 };

describe.runIf(isDeep && emulatesArm64())(
  'the artifact for linux/arm64',
  { timeout: TIMEOUT_MS },
  () => {
    let folder = '';
    const unpacked = (...parts: string[]) => path.join(folder, 'unpacked', ...parts);
    const start = async (models: object): Promise<RuntimeProcess> => {
      const config = path.join(folder, 'config.json');
      const dataFolder = path.join(folder, 'data');
      await writeFile(config, JSON.stringify({ dataFolder, server: { port: 0 }, models }));
      return RuntimeProcess.start({
        program: [unpacked('bin/vedette')],
        arguments: ['run', '--config', config],
      });
    };

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'vedette-arm64-artifact-'));
      await unpackArtifact(await makeArtifact('linux/arm64', folder), unpacked());
      const floors = await binaryFloors(unpacked());
      expect(floors.length).toBeGreaterThan(7);
      expect(floorProblems(floors)).toEqual([]);
      await emulateArtifact(unpacked(), folder);
    }, TIMEOUT_MS);
    afterAll(() => rm(folder, { recursive: true, force: true }));

    test('starts in an emulator from an empty environment: addon, database, server', async () => {
      const runtime = await start({});
      try {
        expect((await runtime.fetch('/health/started')).status).toBe(200);
      } finally {
        await runtime.stop();
      }
    });

    test('finds people in a sample picture', async () => {
      const people = { package: samples('models/coco-detector'), variant: 'int8', ...PATIENCE };
      const runtime = await start({ people });
      try {
        const isReady = ({ state }: { state: string }) => state === 'ready';
        await runtime.until('/api/v1/models/people', isReady, TIMEOUT_MS);
        const picture = await readFile(samples('images/street/walkway-00.jpg'));
        const result: InferenceResult = await infer(runtime, 'people', new Uint8Array(picture));
        const persons = result.detections?.filter(({ label }) => label === 'person') ?? [];
        expect(persons.length).toBeGreaterThan(0);
      } finally {
        await runtime.stop('SIGKILL');
      }
    });
  },
);
