import { useEffect, useReducer } from 'react';
import { needsToken } from './api-client.ts';
import { applyMessages, initialState } from './device-state.ts';
import type { DeviceMessage, DeviceState } from './device-state.ts';

/** The server says something every five seconds; silence for longer means it is gone. */
const SILENCE_LIMIT_MS = 12_000;
const RETRY_MS = 3000;
const SHOW_EVERY_MS = 250;

/** The device as its events tell it; connects again by itself. */
export function useDevice(): DeviceState {
  const [state, apply] = useReducer(applyMessages, initialState);
  useEffect(() => followDevice(apply), []);
  return state;
}

/** Returns the function that ends it. */
function followDevice(apply: (messages: readonly DeviceMessage[]) => void): () => void {
  let source: EventSource | undefined;
  let lastHeardMs = performance.now();
  let retryTimer: number | undefined;
  let waiting: DeviceMessage[] = [];
  let isEnded = false;

  const tell = (message: DeviceMessage) => waiting.push(message);
  const show = () => {
    if (waiting.length === 0) return;
    apply(waiting);
    waiting = [];
  };
  const connection = (name: 'connected' | 'lost' | 'needs-token') =>
    tell({ kind: 'connection', connection: name, nowMs: Date.now() });

  const open = () => {
    window.clearTimeout(retryTimer);
    source?.close();
    lastHeardMs = performance.now();
    source = new EventSource('/api/v1/events');
    source.addEventListener('open', () => connection('connected'));
    source.addEventListener('error', () => void retry());
    const hear = (name: string, message: (data: never) => DeviceMessage) =>
      source?.addEventListener(name, (event) => {
        lastHeardMs = performance.now();
        tell(message(JSON.parse((event as MessageEvent<string>).data) as never));
      });
    hear('status', (status) => ({ kind: 'status', status, nowMs: Date.now() }));
    hear('configuration', (configuration) => ({ kind: 'configuration', configuration }));
    hear('camera', (camera) => ({ kind: 'camera', camera }));
    hear('model', (model) => ({ kind: 'model', model }));
    hear('notice', (notice) => ({ kind: 'notice', notice }));
    hear('result', (result) => ({ kind: 'result', result }));
    hear('lagged', ({ missedResults }: { missedResults: number }) => ({
      kind: 'lagged',
      missedResults,
    }));
  };

  const retry = async () => {
    source?.close();
    connection('lost');
    show();
    window.clearTimeout(retryTimer);
    if (await asksForToken()) return;
    if (!isEnded) retryTimer = window.setTimeout(open, RETRY_MS);
  };

  const asksForToken = async () => {
    const isWanted = await needsToken();
    if (isWanted) {
      connection('needs-token');
      show();
    }
    return isWanted;
  };

  const begin = async () => {
    if (!(await asksForToken()) && !isEnded) open();
  };

  const showTimer = window.setInterval(show, SHOW_EVERY_MS);
  const watchTimer = window.setInterval(() => {
    const isOpen = source !== undefined && source.readyState !== EventSource.CLOSED;
    if (isOpen && performance.now() - lastHeardMs > SILENCE_LIMIT_MS) void retry();
  }, 1000);
  void begin();

  return () => {
    isEnded = true;
    window.clearInterval(showTimer);
    window.clearInterval(watchTimer);
    window.clearTimeout(retryTimer);
    source?.close();
  };
}
