import { expect, it } from 'vitest';
import {
  applyMessages,
  initialState,
  MAX_NEW_RESULTS,
} from '../../../local-server/dashboard/device-state.ts';
import type { DeviceMessage } from '../../../local-server/dashboard/device-state.ts';
import { durationText, findingsText } from '../../../local-server/dashboard/operator-words.ts';
import { sampleCamera, sampleModel, sampleResult } from '../../support/in-memory-runtime.ts';

const connected: DeviceMessage = { kind: 'connection', connection: 'connected', nowMs: 1 };

it('keeps the newest results only, newest first', () => {
  const results = Array.from({ length: MAX_NEW_RESULTS + 10 }, () => sampleResult());
  const messages = results.map((result): DeviceMessage => ({ kind: 'result', result }));
  const state = applyMessages(initialState, messages);
  expect(state.newResults).toHaveLength(MAX_NEW_RESULTS);
  expect(state.newResults[0]).toBe(results.at(-1));
  expect(state.lastResults['walkway']).toBe(results.at(-1));
});

it('keeps what it knew while the connection is lost and forgets it when it is back', () => {
  const known = applyMessages(initialState, [
    connected,
    { kind: 'camera', camera: sampleCamera('gone') },
    { kind: 'model', model: sampleModel('gone') },
  ]);
  const lost = applyMessages(known, [{ kind: 'connection', connection: 'lost', nowMs: 2 }]);
  expect(lost).toMatchObject({ connection: 'lost', connectionSinceMs: 2 });
  expect(Object.keys(lost.cameras)).toEqual(['gone']);
  const back = applyMessages(lost, [{ ...connected, nowMs: 3 }]);
  expect([back.cameras, back.models]).toEqual([{}, {}]);
});

it('says since when the connection is lost, however often it is tried again', () => {
  const lost = (nowMs: number): DeviceMessage => ({
    kind: 'connection',
    connection: 'lost',
    nowMs,
  });
  expect(applyMessages(initialState, [lost(5), lost(9)]).connectionSinceMs).toBe(5);
});

it('shows a notice once, though the events repeat it', () => {
  const notice = {
    atMs: 1,
    level: 'warn',
    error: { code: 'STORAGE_FULL', message: 'full' },
  } as const;
  const message: DeviceMessage = { kind: 'notice', notice };
  expect(applyMessages(initialState, [message, message]).notices).toEqual([notice]);
});

it('adds up what the listener missed', () => {
  const lagged: DeviceMessage = { kind: 'lagged', missedResults: 3 };
  expect(applyMessages(initialState, [lagged, lagged]).missedResults).toBe(6);
});

it('says in words what was found', () => {
  const person = {
    label: 'person',
    labelIndex: 0,
    score: 1,
    box: { x: 0, y: 0, width: 1, height: 1 },
  };
  expect(findingsText(sampleResult({ detections: [person, person] }))).toBe('2 × person');
  expect(findingsText(sampleResult())).toBe('Nothing found');
  const { detections: _none, ...rest } = sampleResult();
  const anomaly = { score: 0.8, threshold: 0.5, isAnomalous: true };
  expect(findingsText({ ...rest, anomaly })).toBe('Defect, score 0.80');
});

it.each([
  [40, '40 s'],
  [720, '12 min'],
  [18_720, '5 h 12 min'],
  [273_600, '3 d 4 h'],
])('writes %d seconds as %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});
