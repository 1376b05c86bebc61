import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { VedetteError } from '../../../component/contract/errors.ts';
import type {
  TriggerListener,
  TriggerSource,
} from '../../../component/pipeline/triggers/trigger-source.ts';

/** A real kind of trigger, and who makes it trigger. */
export interface TriggerFixture {
  open(listener: TriggerListener): TriggerSource;
  /** Makes it trigger once, sooner or later. */
  fire(): Promise<void>;
  /** What a trigger brings along. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** What it hears of triggers from; absent of a clock. */
  readonly peer?: { lose(): Promise<void>; resume(): Promise<void> };
  close(): Promise<void>;
}

class Heard implements TriggerListener {
  readonly fired: Parameters<TriggerListener['fire']>[0][] = [];
  readonly refused: VedetteError[] = [];
  state: 'listening' | VedetteError | undefined;

  fire(request: Parameters<TriggerListener['fire']>[0]): void {
    this.fired.push(request);
  }
  refuse(error: VedetteError): void {
    this.refused.push(error);
  }
  listening(): void {
    this.state = 'listening';
  }
  lost(error: VedetteError): void {
    this.state = error;
  }
}

/** Sockets, watches and children of this process. */
export function openThings(): { descriptors: number; children: number } {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return { descriptors: readdirSync('/proc/self/fd').length, children: children.length };
}

const WAIT = { timeout: 8000, interval: 5 };

/** The promises that every trigger keeps (component/pipeline/triggers/trigger-source.ts). */
export function describeTriggerSource(
  title: string,
  setUp: () => Promise<TriggerFixture>,
  { isClock = false }: { readonly isClock?: boolean } = {},
): void {
  describe(`a trigger by ${title}`, () => {
    let fixture: TriggerFixture;
    let source: TriggerSource | undefined;
    let heard: Heard;

    beforeEach(async () => {
      fixture = await setUp();
      heard = new Heard();
    });
    afterEach(async () => {
      await source?.close();
      source = undefined;
      await fixture.close();
    });
    const open = async () => {
      source = fixture.open(heard);
      await vi.waitFor(() => expect(heard.state).toBe('listening'), WAIT);
    };
    const fireOnce = async () => {
      const before = heard.fired.length;
      await fixture.fire();
      await vi.waitFor(() => expect(heard.fired.length).toBeGreaterThan(before), WAIT);
      expect(heard.fired.length).toBe(before + 1);
    };

    it('tells each one once, with what it brings, and nothing after its end', async () => {
      await open();
      for (let n = 0; n < (isClock ? 1 : 3); n += 1) await fireOnce();
      const { context, arriving } = heard.fired.at(-1)!;
      expect((await arriving) ?? context).toEqual(fixture.context);
      expect(heard.refused).toEqual([]);
      await source?.close();
      const told = heard.fired.length;
      await fixture.fire();
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard.fired.length).toBe(told);
    });

    it.skipIf(isClock)(
      'outlives the loss of its peer, says so, and hears again',
      async () => {
        const peer = fixture.peer!;
        await open();
        await peer.lose();
        await vi.waitFor(() => expect(heard.state).toBeInstanceOf(Error), WAIT);
        expect((heard.state as VedetteError).code).toMatch(
          /^(FIELD_DEVICE|CHANNEL)_OFFLINE$|^TRIGGER_FOLDER_UNREADABLE$|^CAMERA_SOURCE_FAILED$/,
        );
        await peer.resume();
        await vi.waitFor(() => expect(heard.state).toBe('listening'), WAIT);
        await fireOnce();
      },
      20_000,
    );

    it('ends at once and leaves nothing, with its peer there and away', async () => {
      const before = openThings();
      await open();
      await source?.close();
      await vi.waitFor(() => expect(openThings()).toEqual(before), WAIT);
      await fixture.peer?.lose();
      const away = openThings();
      source = fixture.open(heard);
      await source.close();
      await vi.waitFor(() => expect(openThings()).toEqual(away), WAIT);
      await fixture.peer?.resume();
    });
  });
}
