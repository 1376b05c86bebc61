import type { DeliveredKind, OutboundMessage, TakeRequest } from '../../contract/delivery.ts';
import { composePayloads } from '../../contract/message-payload.ts';

/** A row of the outbox with the text that it stands for. */
export interface OutboxRow {
  readonly key: number;
  readonly stream: number;
  readonly camera: string;
  readonly sequence: number;
  readonly kind: DeliveredKind;
  readonly clockMs: number;
  readonly bytes: number;
  readonly cameraSequence: number | null;
  readonly capture: string | null;
  /** Of a result its JSON; of an event `{ id, content }`. */
  readonly text: string;
}

export const OUTBOX_ROW = `o.key, o.stream, s.camera, o.sequence, o.kind, o.clock_ms AS clockMs, o.bytes,
  o.camera_sequence AS cameraSequence, o.capture,
  ifnull(o.body, (SELECT r.json FROM results r WHERE r.key = o.result)) AS text`;

const CONTENT: Readonly<Record<Exclude<DeliveredKind, 'result'>, string>> = {
  summary: 'summary',
  'given-up': 'givenUp',
  notice: 'notice',
  'model-change': 'change',
};
const ID = /^\{"schemaVersion":1,"id":"([^"\\]+)"/;

/** The whole message as the ledger has it: JSON that is the same whenever it is made. */
export function outboxText(row: OutboxRow, thing: string): string {
  const { kind, text, cameraSequence, capture } = row;
  const head = { schemaVersion: 1, thing, camera: row.camera, sequence: row.sequence };
  if (kind !== 'result') {
    const { id, content } = JSON.parse(text) as { id: string; content: unknown };
    return JSON.stringify({ ...head, id, kind, [CONTENT[kind]]: content });
  }
  // A result is put together as text: most are never read by this process again.
  const id = ID.exec(text)?.[1] ?? (JSON.parse(text) as { id: string }).id;
  const start = JSON.stringify({ ...head, id, kind }).slice(0, -1);
  const end = JSON.stringify({
    cameraSequence,
    ...(capture === null ? {} : { captureId: capture }),
  }).slice(1);
  return `${start},"result":${text.slice(0, -1)},${end}}`;
}

/** The same as it is sent. What explains a gap is never too old: the gap would be left unexplained. */
export function outboundMessage(
  row: OutboxRow,
  as: Pick<TakeRequest, 'profile' | 'maxPayloadBytes'> & {
    readonly thing: string;
    /** What was added before, by the delivery clock, is too old. */
    readonly aliveFromMs: number;
  },
): OutboundMessage {
  const { thing, profile, maxPayloadBytes, aliveFromMs } = as;
  const { key, stream, camera, kind, clockMs } = row;
  return {
    key,
    stream,
    topic: `vedette/${thing}/${camera}/${kind === 'result' ? 'result' : 'event'}`,
    payloads: composePayloads(outboxText(row, thing), profile, maxPayloadBytes),
    remainingMs: kind === 'given-up' ? Infinity : clockMs - aliveFromMs,
  };
}
