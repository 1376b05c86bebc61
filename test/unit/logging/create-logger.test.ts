import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { createLogger, withoutCredentials } from '../../../component/logging/create-logger.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';

class Lines extends Writable {
  isTTY = false;
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
  get records(): Record<string, unknown>[] {
    return this.text
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}
const logTo = (lines: Lines) =>
  createLogger({ level: 'info', stream: lines as unknown as NodeJS.WriteStream });

describe('the log', () => {
  it('is one JSON object a line with level and time', () => {
    const lines = new Lines();
    logTo(lines).info({ camera: 'dock' }, 'camera\nis running');
    expect(lines.records).toHaveLength(1);
    expect(lines.records[0]).toMatchObject({
      level: 'info',
      camera: 'dock',
      msg: 'camera\nis running',
    });
    expect(Date.parse(String(lines.records[0]?.['time']))).toBeGreaterThan(0);
  });

  it('never holds a secret, neither under its key nor inside an address', () => {
    const lines = new Lines();
    const cause = new Error('rtsp://admin:hunter2@10.0.0.7/stream: refused');
    logTo(lines).error(
      {
        token: 'hunter2',
        headers: { authorization: 'Bearer hunter2' },
        error: new VedetteError('CAMERA_SOURCE_FAILED', 'rtsp://admin:hunter2@10.0.0.7', { cause }),
      },
      'open rtsp://admin:hunter2@10.0.0.7/stream failed',
    );
    expect(lines.text).not.toContain('hunter2');
    expect(lines.records[0]).toMatchObject({ msg: 'open rtsp://***@10.0.0.7/stream failed' });
  });

  it('gives the stack of a defect, and only the message of an expected error', () => {
    const lines = new Lines();
    const logger = logTo(lines);
    logger.error({ error: new VedetteError('STORAGE_FULL', 'full') }, 'a');
    logger.error({ error: new TypeError('defect') }, 'b');
    expect(lines.records[0]?.['error']).not.toHaveProperty('stack');
    expect(lines.records[1]?.['error']).toHaveProperty('stack');
  });
});

describe('withoutCredentials', () => {
  it.each([
    ['rtsp://u:p@h/x', 'rtsp://***@h/x'],
    ['http://token@h', 'http://***@h'],
    ['mail a@b.c', 'mail a@b.c'],
    ['rtsp://h/x?y=a@b', 'rtsp://h/x?y=a@b'],
  ])('turns %s into %s', (text, expected) => {
    expect(withoutCredentials(text)).toBe(expected);
  });
});

describe('FaultLog', () => {
  it('logs a fault that comes a thousand times once, then its number', async () => {
    const lines = new Lines();
    const faults = new FaultLog(logTo(lines), 30);
    for (let i = 0; i < 1000; i += 1) faults.warn('dock/IMAGE_CORRUPT', {}, 'corrupt');
    faults.warn('gate/IMAGE_CORRUPT', {}, 'corrupt');
    expect(lines.records).toHaveLength(2);
    await new Promise((resolve) => setTimeout(resolve, 40));
    faults.warn('dock/IMAGE_CORRUPT', {}, 'corrupt');
    expect(lines.records.at(-1)).toMatchObject({ suppressed: 999 });
  });
});
