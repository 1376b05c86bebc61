// @ts-check
/**
 * Measures how long the main thread of a server keeps others waiting, without a line in the server:
 * loaded with `--import` before its program. The parent asks over the IPC channel.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** A timer that is due every millisecond; the histogram counts how far apart it really fires. */
const RESOLUTION_MS = 1;

if (isMainThread && process.send) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let begin = readings();

  process.on('message', (message) => {
    if (message === 'begin-loop-delay') {
      histogram.reset();
      histogram.enable();
      begin = readings();
    }
    if (message === 'end-loop-delay') {
      histogram.disable();
      process.send?.({ kind: 'loop-delay', ...differences(), delaysMs: delaysMs() });
    }
  });
  // A benchmark that was killed leaves no server behind.
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));

  function readings() {
    return {
      atMs: performance.now(),
      loop: performance.eventLoopUtilization(),
      cpu: process.cpuUsage(),
    };
  }

  function differences() {
    const { user, system } = process.cpuUsage(begin.cpu);
    return {
      seconds: (performance.now() - begin.atMs) / 1000,
      busyShare: performance.eventLoopUtilization(begin.loop).utilization,
      cpuSeconds: (user + system) / 1e6,
    };
  }

  /** Every recorded interval, in ascending order, less the millisecond that the timer asks for. */
  function delaysMs() {
    return Array.from({ length: histogram.count }, (_, index) => {
      const intervalMs = histogram.percentile(((index + 1) / histogram.count) * 100) / 1e6;
      return Math.max(0, intervalMs - RESOLUTION_MS);
    });
  }
}
