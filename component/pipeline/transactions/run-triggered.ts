import { VedetteError } from '../../contract/errors.ts';
import type { FrameLease, FrameView } from '../../contract/frame.ts';
import type { NewResult } from '../../contract/ports.ts';
import { judgeFrame, keepJudged, seeFrame, type CameraLine } from '../run-camera.ts';
import type { FrameWatchers } from '../triggers/frame-watchers.ts';
import type { Transaction } from './transaction.ts';
import type { AskedFor, TransactionBook } from './transaction-book.ts';

export interface TriggeredLine extends CameraLine {
  readonly book: TransactionBook;
  /** Each frame is its own trigger. */
  readonly isOwnTrigger: boolean;
  /** Shown each frame as it passes. */
  readonly watchers: FrameWatchers;
  /** Offered each frame as it passes: what a camera sees, and what is wrong with it, is to be known before a part comes. */
  readonly look: (frame: FrameLease, view: FrameView) => void;
  /** A transaction was opened by a frame. Must not throw. */
  readonly opened: (transaction: Transaction) => void;
  /** The verdict of a transaction is there, and is being stored. */
  readonly decided: (transaction: Transaction, result: NewResult) => void;
}

/** Name of the trigger that a frame is by itself. */
export const OWN_TRIGGER = 'frame';
/** Results of one camera on their way to the disk; the next frame waits when there are more. */
const MAX_KEEPING = 8;

/** Frames are looked at as they pass; those that a trigger asked for are judged one after another. */
export async function runTriggered(line: TriggeredLine, signal: AbortSignal): Promise<void> {
  await Promise.all([watchFrames(line, signal), judgeTriggers(line, signal)]);
}

async function watchFrames(line: TriggeredLine, signal: AbortSignal): Promise<void> {
  for (;;) {
    // A file can wait, and its verdict must not be lost.
    if (!line.slots.mayOverwrite) await line.book.room(signal);
    const frame = await line.slots.next(signal);
    if (frame === undefined) return;
    const { view } = line.settings.now.sets.own;
    line.watchers.see(line.name, frame, view, line.slots);
    if (line.isOwnTrigger) {
      openWith(line, frame);
      continue;
    }
    line.look(frame, view);
    line.book.offer(frame);
  }
}

function openWith(line: TriggeredLine, frame: FrameLease): void {
  const context = line.contextOf(frame);
  try {
    const request = { source: OWN_TRIGGER, ...(context ? { context } : {}) };
    line.opened(line.book.openWith(frame, request));
  } catch (thrown) {
    const error = VedetteError.from(thrown);
    line.slots.dropTaken(error.code === 'SHUTTING_DOWN' ? 'stopped' : 'late', error);
    line.slots.release(frame);
  }
}

async function judgeTriggers(line: TriggeredLine, signal: AbortSignal): Promise<void> {
  const keeping = new Set<Promise<void>>();
  for (;;) {
    const asked = await line.book.next(signal);
    if (asked === undefined) break;
    const judged = await judgeTrigger(line, asked, signal);
    if (judged === undefined) continue;
    const { kept } = judged;
    keeping.add(kept);
    void kept.finally(() => keeping.delete(kept));
    if (keeping.size >= MAX_KEEPING) await Promise.race(keeping);
  }
  await Promise.all(keeping);
}

/** @returns the storing of its result, which is under way */
async function judgeTrigger(
  line: TriggeredLine,
  { transaction, frame }: AskedFor,
  signal: AbortSignal,
): Promise<{ readonly kept: Promise<void> } | undefined> {
  const own = { ...line, contextOf: () => transaction.context };
  const seen = await seeFrame(own, frame, AbortSignal.any([signal, transaction.ended]));
  const hasAnswer = seen !== 'stopped' && seen !== 'abandoned';
  if (!hasAnswer || transaction.isEnded) {
    if (hasAnswer && !(seen.answer instanceof VedetteError)) line.book.countLate();
    line.book.endFrame(frame, false);
    line.slots.release(frame);
    return undefined;
  }
  const isCountedBefore = !line.book.endFrame(frame, true);
  const judged = judgeFrame(own, seen);
  const result = { ...judged.result, ...transaction.reference(false) };
  line.decided(transaction, result);
  return { kept: keepJudged(own, { ...judged, result, isCountedBefore }) };
}
