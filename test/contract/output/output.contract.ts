import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MessageChannel } from '../../../component/contract/message-channel.ts';
import type { OutputRecord } from '../../../component/contract/output.ts';
import { outputSchema } from '../../../component/contract/output-config.ts';
import type { Outcome } from '../../../component/contract/result.ts';
import { Outputs } from '../../../component/delivery/outputs/outputs.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';
import { Registry } from '../../../component/registry/registry.ts';
import { sampleResult } from '../../integration/registry/sample-result.ts';
import { openThings } from '../trigger/trigger-source.contract.ts';

/** A real receiver, and the settings of the output that tells it. */
export interface OutputFixture {
  /** It is told `fail`, `review` and `error`, which counts as `review`. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly channel?: MessageChannel;
  /** Outcomes that it was told, in order. */
  received(): Promise<readonly Outcome[]> | readonly Outcome[];
  lose(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const WAIT = { timeout: 8000, interval: 5 };

/** The promises that every output keeps (component/delivery/outputs). */
export function describeOutput(
  title: string,
  setUp: () => Promise<OutputFixture>,
  { isQuick = false }: { readonly isQuick?: boolean } = {},
): void {
  const itWhereQuick = it.runIf(isQuick || process.env['VEDETTE_DEEP'] === '1');
  describe(`an output by ${title}`, () => {
    let folder: string;
    let registry: Registry;
    let fixture: OutputFixture;
    let outputs: Outputs;

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'vedette-output-'));
      registry = await Registry.open({ dataFolder: folder, onNotice: () => {} });
    });
    afterAll(async () => {
      await registry.close();
      await rm(folder, { recursive: true, force: true });
    });
    beforeEach(async () => {
      fixture = await setUp();
      outputs = new Outputs({
        channel: fixture.channel,
        registry,
        readSecret: async () => 'key',
        certificateFolder: path.join(folder, 'opcua'),
        faults: new FaultLog(pino({ level: 'silent' })),
      });
    });
    afterEach(async () => {
      await outputs.close();
      await fixture.close();
    });

    const use = (settings: Readonly<Record<string, unknown>> = {}) =>
      outputs.use({
        out: outputSchema.parse({ errorCountsAs: 'review', ...fixture.settings, ...settings }),
      });
    const tell = (outcome: Outcome): string => {
      const result = sampleResult({ outcome });
      outputs.tell(result);
      return result.id;
    };
    const recordOf = async (id: string): Promise<OutputRecord> => {
      await vi.waitFor(
        async () => expect(await registry.outputRecords(id, 10)).toHaveLength(1),
        WAIT,
      );
      return (await registry.outputRecords(id, 10))[0]!;
    };

    it('tells what it is to, in order, and what the receiver said is in the registry', async () => {
      await use();
      const ids = (['fail', 'pass', 'review', 'error'] as const).map(tell);
      expect(await recordOf(ids[3]!)).toMatchObject({
        ...{ output: 'out', camera: 'walkway', outcome: 'review' },
        ...{ end: 'acknowledged', attempts: 1 },
      });
      await expect.poll(() => fixture.received(), WAIT).toEqual(['fail', 'review', 'review']);
      expect(await registry.outputRecords(ids[1]!, 10)).toEqual([]);
      expect(outputs.statuses()).toMatchObject([{ acknowledged: 3, givenUp: 0, waiting: 0 }]);
    });

    itWhereQuick(
      'is told when its receiver is back what came while it was away',
      async () => {
        await use({ giveUpAfterMs: 10_000 });
        await recordOf(tell('review'));
        await fixture.lose();
        const id = tell('fail');
        await new Promise((resolve) => setTimeout(resolve, 150));
        await fixture.resume();
        const record = await recordOf(id);
        expect(record).toMatchObject({ end: 'acknowledged', outcome: 'fail' });
        await expect.poll(() => fixture.received(), WAIT).toContain('fail');
      },
      20_000,
    );

    it('holds nothing of what was found while a verdict waits', async () => {
      await fixture.lose();
      await use();
      // In a turn of its own, so that no variable holds it.
      const found = await (async () => {
        const result = sampleResult({ outcome: 'fail' });
        outputs.tell(result);
        return new WeakRef(result.detections!);
      })();
      await vi.waitFor(() => {
        collectGarbage();
        // What a failure shows would be held by it.
        expect(found.deref() === undefined).toBe(true);
      }, WAIT);
      expect(outputs.statuses()).toMatchObject([{ waiting: 1, acknowledged: 0 }]);
    });

    itWhereQuick(
      'gives up what waits too long or is too much, and says so of each',
      async () => {
        await fixture.lose();
        await use({ maxQueued: 2, giveUpAfterMs: 'values' in fixture.settings ? 300 : 1000 });
        const ids = Array.from({ length: 5 }, () => tell('fail'));
        const records = await Promise.all(ids.map(recordOf));
        expect(records.map(({ end }) => end)).toEqual(Array(5).fill('given-up'));
        expect(records[1]?.detail).toBe('more than 2 verdicts waited');
        expect(outputs.statuses()).toMatchObject([{ acknowledged: 0, givenUp: 5, waiting: 0 }]);
      },
      20_000,
    );

    it('ends at once and leaves nothing, whether its receiver is there or not', async () => {
      const before = openThings();
      await use();
      await recordOf(tell('fail'));
      await fixture.lose();
      const waiting = tell('review');
      await outputs.use({});
      expect(await recordOf(waiting)).toMatchObject({ end: 'given-up' });
      await fixture.resume();
      await vi.waitFor(() => expect(openThings()).toEqual(before), WAIT);
    });
  });
}
