import { expect, it } from 'vitest';
import { SlotNotes } from '../../../component/camera/slot-notes.ts';
import type { FrameLease } from '../../../component/contract/frame.ts';

const frame = (sequence: number, slot = 0): FrameLease => ({
  ...{ ringId: 1, slot, token: sequence, format: 'i420', width: 2, height: 2, byteLength: 6 },
  ...{ sequence, capturedAtMs: 0, capturedSteadyMs: 0 },
});
const [large, small] = [
  { width: 640, height: 480 },
  { width: 320, height: 240 },
];

it('frames of a run that ended keep the size that they were scaled from', () => {
  const notes = new SlotNotes();
  expect(notes.of(0, frame(0))).not.toHaveProperty('scaledFrom');
  notes.scale(large, 1);
  notes.scale(undefined, 5);
  notes.scale(small, 5);
  notes.scale(undefined, 7);
  const seen = [1, 4, 5, 6, 7, 9].map((sequence) => notes.of(0, frame(sequence)).scaledFrom);
  expect(seen).toEqual([large, large, small, small, undefined, undefined]);
});

it('what is known of a slot goes with the frame that was written to it last', () => {
  const notes = new SlotNotes();
  notes.set(0, { ...frame(0), fileName: 'a.png' });
  notes.set(1, { ...frame(1), captureClock: 'file' });
  expect(notes.of(0, frame(0, 0))).toMatchObject({ fileName: 'a.png' });
  expect(notes.of(1, frame(1, 1))).toMatchObject({ captureClock: 'file' });
  notes.set(0, frame(2));
  expect(notes.of(0, frame(2, 0))).toEqual(frame(2, 0));
});
