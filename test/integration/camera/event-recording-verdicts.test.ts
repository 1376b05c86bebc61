import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordingSchema } from '../../../component/contract/camera-config.ts';
import { ClipStore } from '../../../component/delivery/clip-store.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';
import { EventRecorder } from '../../../component/pipeline/event-recorder.ts';
import { sampleResult } from '../registry/sample-result.ts';

const START_MS = Date.parse('2026-01-01T00:00:00Z');
const fail = { ...sampleResult(), verdict: { outcome: 'fail', reason: 'because' } } as const;

let dataFolder: string;
let clips: ClipStore;
let recorder: EventRecorder;
let frames: number;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: START_MS });
  dataFolder = await mkdtemp(path.join(tmpdir(), 'vedette-clips-'));
  clips = new ClipStore({
    dataFolder,
    retention: { clipsMaxBytes: 10_000_000, minFreeBytes: 0 },
  });
  recorder = recorderOf({ beforeSeconds: 2, afterSeconds: 2 });
  frames = 0;
});
afterEach(async () => {
  vi.useRealTimers();
  await recorder.close();
  await rm(dataFolder, { recursive: true });
});

function recorderOf(recording: object): EventRecorder {
  const faults = new FaultLog(pino({ level: 'silent' }));
  const parsed = recordingSchema.parse(recording);
  return new EventRecorder({ camera: 'gate', recording: parsed, clips, faults });
}

/** Frames of one byte each, their number, ten a second, every fifth a key frame. */
function stream(seconds: number): void {
  for (let index = 0; index < seconds * 10; index += 1) {
    vi.advanceTimersByTime(100);
    const [isKey, ticks] = [frames % 5 === 0, frames * 9000];
    recorder.ring.frame({ bytes: Uint8Array.of(frames), isKey, ticks, ntpMs: Date.now() });
    frames += 1;
  }
}

const begin = () => recorder.ring.header(Uint8Array.of(255));

/** The frame that came last, judged now. */
function judge(ageMs = 0): { readonly clip: string | undefined; readonly frame: number } {
  const { clipId } = recorder.see(fail, performance.now() - ageMs);
  return { clip: clipId, frame: frames - 1 - ageMs / 100 };
}

async function framesOf(clip: string | undefined): Promise<readonly number[]> {
  const [header, ...numbers] = await readFile(await clips.fileOf(clip!));
  expect(header).toBe(255);
  expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
  return numbers;
}

it('a recording that a kill ends before it is written is told of at the next start', async () => {
  begin();
  stream(4);
  const { clip } = judge();
  const told: unknown[] = [];
  // The marks of those that run come in turn: after this there is one.
  await clips.begin('01900000-0000-7000-8000-000000000001');
  const next = new ClipStore({
    dataFolder,
    retention: { clipsMaxBytes: 10_000_000, minFreeBytes: 0 },
    onOutcome: (outcome, count, error) => told.push([outcome, count, error?.message]),
  });
  await next.start();
  expect(told).toEqual([['lost', 2, expect.stringContaining(clip!)]]);
});

describe('a recording and the verdict that names it', () => {
  it('shows the frame of a verdict that comes while the one before is being written', async () => {
    begin();
    stream(4);
    const first = judge();
    stream(2.2);
    // Its frames are there, its file is not yet.
    const second = judge();
    stream(3);
    await recorder.close();
    expect(second.clip).not.toBe(first.clip);
    expect(await framesOf(first.clip)).toContain(first.frame);
    const numbers = await framesOf(second.clip);
    expect(numbers).toContain(second.frame);
    expect(numbers[0]).toBeLessThanOrEqual(second.frame - 20);
    expect(numbers.at(-1)).toBeGreaterThanOrEqual(second.frame + 20);
  });

  it('goes on after the last verdict, up to its longest length, then the next begins', async () => {
    begin();
    stream(4);
    const judged = [judge()];
    for (let second = 1; second <= 12; second += 1) {
      stream(1);
      judged.push(judge());
    }
    stream(3);
    await recorder.close();
    const ids = new Set(judged.map(({ clip }) => clip));
    expect(ids.size).toBe(2);
    for (const { clip, frame } of judged) {
      const numbers = await framesOf(clip);
      expect(numbers).toContain(frame);
      expect(numbers.at(-1)).toBeGreaterThanOrEqual(frame + 20);
      expect(numbers.length).toBeLessThanOrEqual(20 + 5 + 80 + 2);
    }
  });

  it('shows a frame that was judged later than it is kept before, or is not named', async () => {
    recorder = recorderOf({ beforeSeconds: 0, afterSeconds: 1 });
    begin();
    stream(8);
    expect(judge(7000).clip).toBeUndefined();
    const late = judge(1500);
    await recorder.close();
    expect(await framesOf(late.clip)).toContain(late.frame);
  });

  it('has what came before a verdict that is reached after the end of the stream', async () => {
    begin();
    stream(4);
    recorder.ring.end();
    vi.advanceTimersByTime(300);
    const late = [judge(300), judge(800)];
    begin();
    stream(0.5);
    const old = judge(900);
    const fresh = judge();
    await recorder.close();
    expect(late[0]!.clip).toBe(late[1]!.clip);
    const numbers = await framesOf(late[0]!.clip);
    expect(numbers[0]).toBeLessThanOrEqual(19);
    expect(numbers.at(-1)).toBe(39);
    expect(old.clip).toBe(late[0]!.clip);
    expect(await framesOf(fresh.clip)).toEqual([40, 41, 42, 43, 44]);
  });

  it('has room for its frame when what came before fills the memory', async () => {
    const frame = new Uint8Array(10_000);
    recorder = recorderOf({ beforeSeconds: 60, afterSeconds: 1, maxBytes: 65_536 });
    begin();
    for (let index = 0; index < 30; index += 1) {
      vi.advanceTimersByTime(100);
      recorder.ring.frame({ bytes: frame, isKey: true, ticks: index, ntpMs: 0 });
    }
    const { clip } = judge();
    recorder.ring.frame({ bytes: frame, isKey: true, ticks: 30, ntpMs: 0 });
    expect(judge().clip).toBe(clip);
    await recorder.close();
    expect((await readFile(await clips.fileOf(clip!))).length).toBeLessThanOrEqual(65_537);
  });
});
