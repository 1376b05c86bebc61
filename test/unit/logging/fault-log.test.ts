import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { FaultLog } from '../../../component/logging/fault-log.ts';

test('the same fault is logged once in an interval, at its level', () => {
  const lines: { level: number; msg: string; suppressed?: number }[] = [];
  const write = (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]);
  const hour = new FaultLog(pino({ level: 'info' }, { write }), 3_600_000);
  hour.error('model/parts/INFERENCE_FAILED', {}, 'first');
  hour.error('model/parts/INFERENCE_FAILED', {}, 'second');
  hour.warn('camera/dock/IMAGE_CORRUPT', {}, 'other');
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    [50, 'first'],
    [40, 'other'],
  ]);
  const none = new FaultLog(pino({ level: 'info' }, { write }), 0);
  none.error('key', {}, 'third');
  none.error('key', {}, 'fourth');
  expect(lines.map(({ msg }) => msg)).toEqual(['first', 'other', 'third', 'fourth']);
});

test('a fault is logged again though the clock was set back', () => {
  const lines: string[] = [];
  const write = (line: string) => lines.push((JSON.parse(line) as { msg: string }).msg);
  const none = new FaultLog(pino({ level: 'info' }, { write }), 0);
  none.error('key', {}, 'before');
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
  none.error('key', {}, 'after');
  clock.mockRestore();
  expect(lines).toEqual(['before', 'after']);
});
