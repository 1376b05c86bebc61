import { useEffect, useRef, useState } from 'react';

export type RequestState<T> =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly seconds: number }
  | { readonly kind: 'done'; readonly answer: T }
  | { readonly kind: 'failed'; readonly message: string };

export interface OneRequest<T> {
  readonly state: RequestState<T>;
  /** What was asked before is given up. */
  readonly start: (ask: (signal: AbortSignal) => Promise<T>) => void;
  /** Ends it on the device too. */
  readonly stop: () => void;
}

/** A request that takes seconds; it ends when who asked is no longer on the page. */
export function useRequest<T>(): OneRequest<T> {
  const [state, setState] = useState<RequestState<T>>({ kind: 'idle' });
  const running = useRef<AbortController>(undefined);
  const stop = () => {
    running.current?.abort();
    running.current = undefined;
    setState({ kind: 'idle' });
  };
  const start = (ask: (signal: AbortSignal) => Promise<T>) => {
    running.current?.abort();
    const mine = new AbortController();
    running.current = mine;
    setState({ kind: 'running', seconds: 0 });
    const end = (ended: RequestState<T>) => {
      if (!mine.signal.aborted) setState(ended);
    };
    ask(mine.signal).then(
      (answer) => end({ kind: 'done', answer }),
      (error: Error) => end({ kind: 'failed', message: error.message }),
    );
  };

  const isRunning = state.kind === 'running';
  useEffect(() => {
    if (!isRunning) return undefined;
    const beganMs = performance.now();
    const timer = window.setInterval(() => {
      const seconds = Math.floor((performance.now() - beganMs) / 1000);
      setState((last) => (last.kind === 'running' ? { kind: 'running', seconds } : last));
    }, 1000);
    return () => window.clearInterval(timer);
  }, [isRunning]);
  useEffect(() => () => running.current?.abort(), []);
  return { state, start, stop };
}
