import { isDeepStrictEqual } from 'node:util';

export type Json = { [key: string]: unknown };
export interface ShadowState {
  readonly desired?: Json;
  readonly reported?: Json;
}

/** What AWS IoT Core takes: bytes of a state document, levels below `desired` or `reported`. */
export const MAX_SHADOW_BYTES = 8192;
const MAX_DEPTH = 8;
const MAX_CLIENT_TOKEN_BYTES = 64;

/** Why an update is refused, as AWS IoT answers it. */
export class ShadowFault extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface ShadowRequest {
  readonly state: ShadowState;
  readonly version?: number;
  readonly clientToken?: string;
}

/** @throws ShadowFault */
export function readRequest(payload: Buffer): Partial<ShadowRequest> {
  if (payload.length === 0) return {};
  if (payload.length > MAX_SHADOW_BYTES) {
    throw new ShadowFault(413, 'The payload exceeds the maximum size allowed');
  }
  let request: unknown;
  try {
    request = JSON.parse(payload.toString());
  } catch {
    throw new ShadowFault(400, 'Payload contains invalid json');
  }
  if (!isMap(request)) throw new ShadowFault(400, 'Payload is invalid: must be an object');
  const { clientToken } = request;
  if (clientToken === undefined) return request;
  const isToken =
    typeof clientToken === 'string' && Buffer.byteLength(clientToken) <= MAX_CLIENT_TOKEN_BYTES;
  if (!isToken) throw new ShadowFault(400, 'Payload contains invalid clientToken');
  return request;
}

/** @throws ShadowFault */
export function checkedState(request: Partial<ShadowRequest>): ShadowState {
  const { state } = request;
  if (state === undefined) throw new ShadowFault(400, 'Missing required node: state');
  if (!isMap(state)) throw new ShadowFault(400, 'State node must be an object');
  for (const key of ['desired', 'reported'] as const) {
    const section = (state as Json)[key];
    if (section === undefined || section === null) continue;
    if (!isMap(section)) throw new ShadowFault(400, `${key} node must be an object`);
    if (depthOf(section) > MAX_DEPTH) {
      throw new ShadowFault(
        400,
        `JSON contains too many levels of nesting; maximum is ${MAX_DEPTH}`,
      );
    }
  }
  return state;
}

/** Maps are merged, `null` removes, all else is replaced. */
export function merged(before: unknown, change: unknown): unknown {
  if (!isMap(change)) return change;
  const result: Json = isMap(before) ? { ...before } : {};
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

/** What of `desired` is missing in `reported` or other there; `undefined` when nothing is. */
export function deltaOf(desired: unknown, reported: unknown): unknown {
  if (!isMap(desired)) return isDeepStrictEqual(desired, reported) ? undefined : desired;
  const differing = Object.entries(desired).flatMap(([key, value]) => {
    const delta = deltaOf(value, isMap(reported) ? reported[key] : undefined);
    return delta === undefined ? [] : [[key, delta] as const];
  });
  return differing.length === 0 ? undefined : Object.fromEntries(differing);
}

/** The same tree with a time at each leaf. */
export function metadataOf(node: unknown, timestamp: number): unknown {
  if (!isMap(node)) return { timestamp };
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, metadataOf(value, timestamp)]),
  );
}

export const isMap = (node: unknown): node is Json =>
  typeof node === 'object' && node !== null && !Array.isArray(node);

const depthOf = (node: unknown): number =>
  isMap(node) ? 1 + Math.max(0, ...Object.values(node).map(depthOf)) : 0;
