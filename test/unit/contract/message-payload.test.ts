import fc from 'fast-check';
import { expect, test } from 'vitest';
import { messageSchema, type Delivered } from '../../../component/contract/delivery.ts';
import { composePayloads } from '../../../component/contract/message-payload.ts';
import { sampleResult } from '../../integration/registry/sample-result.ts';
import { Receiver } from '../../support/delivery-parts.ts';

function messageOf(labels: readonly string[], reason = 'fine'): Delivered {
  const result = { ...sampleResult({ camera: 'dock', labels, reason }), cameraSequence: 7 };
  const { id } = result;
  const head = { schemaVersion: 1, thing: 'station-7', camera: 'dock', sequence: 3, id } as const;
  return { ...head, kind: 'result', result };
}

test('whatever its letters, a message fits its limit and is whole again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), { maxLength: 60 }),
      fc.integer({ min: 1024, max: 9000 }),
      (labels, maxBytes) => {
        const message = messageOf(labels);
        const payloads = composePayloads(JSON.stringify(message), 'full', maxBytes);
        const receiver = new Receiver();
        for (const payload of payloads) {
          expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(maxBytes);
          messageSchema.parse(JSON.parse(payload));
          receiver.receive(Buffer.from(payload));
        }
        expect([...receiver.messages.values()]).toEqual([JSON.parse(JSON.stringify(message))]);
      },
    ),
    { numRuns: 200 },
  );
});

test('the smallest profile is one part whatever the labels and the reason', () => {
  const long = fc.string({ unit: 'binary', minLength: 1, maxLength: 600 });
  fc.assert(
    fc.property(fc.array(long, { maxLength: 60 }), long, (labels, reason) => {
      const payloads = composePayloads(JSON.stringify(messageOf(labels, reason)), 'summary', 7000);
      expect(payloads.length).toBe(1);
      messageSchema.parse(JSON.parse(payloads[0]!));
    }),
    { numRuns: 5 },
  );
});

test('parts may come in any order', () => {
  const message = messageOf(Array.from({ length: 200 }, (_, at) => `label ${at}`));
  const payloads = composePayloads(JSON.stringify(message), 'full', 2000);
  expect(payloads.length).toBeGreaterThan(5);
  const receiver = new Receiver();
  for (const payload of payloads.toReversed()) receiver.receive(Buffer.from(payload));
  expect([...receiver.messages.values()]).toEqual([message]);
});

test('smaller profiles keep the verdict and say which they are; what would need too many parts is reduced', () => {
  const message = messageOf(Array.from({ length: 3000 }, () => 'person'));
  const whole = JSON.stringify(message);
  for (const profile of ['full', 'compact', 'summary'] as const) {
    const [first = ''] = composePayloads(whole, profile, 7000);
    const sent = messageSchema.parse(JSON.parse(first));
    expect(sent).toMatchObject({ id: message.id, camera: 'dock', sequence: 3 });
  }
  const [only = '', ...others] = composePayloads(whole, 'summary', 7000);
  expect(others).toEqual([]);
  expect(JSON.parse(only)).toMatchObject({
    profile: 'summary',
    result: { counts: { person: 3000 }, verdict: { outcome: 'pass' }, cameraSequence: 7 },
  });
  // 3000 boxes are more than 32 parts of 7000 bytes, rounded or not: the counts are sent.
  expect(composePayloads(whole, 'full', 7000)).toEqual([only]);
});
