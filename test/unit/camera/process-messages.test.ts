import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProcessMessages } from '../../../component/camera/process-messages.ts';

describe('ProcessMessages', () => {
  it('shows no credential, as it is or encoded, whatever piece it comes in', () => {
    const password = 'p@ss/w:rd';
    const text = [
      '[rtsp @ 0x55d0] method DESCRIBE failed: 401 Unauthorized',
      `rtsp://op:p%40ss%2Fw%3Ard@10.0.0.7/live: Server returned 401`,
      `Impossible to open 'rtsp://op:${password}@10.0.0.7/live'`,
      '',
    ].join('\n');
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const messages = new ProcessMessages([password]);
        const edges = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        for (let i = 1; i < edges.length; i += 1) messages.add(text.slice(edges[i - 1], edges[i]));
        messages.end();
        const shown = messages.lines.join('\n');
        expect(shown).not.toMatch(/ss.w|ss%2Fw|op:/);
        expect(shown).toContain('//***@10.0.0.7/live');
      }),
    );
  });

  it('gives the last two different lines as the reason', () => {
    const messages = new ProcessMessages([]);
    messages.add('first\n[h264 @ 0x1] broken\n[h264 @ 0x2] broken\nlast\n');
    expect(messages.reason).toBe('[h264] broken; last');
    expect(new ProcessMessages([]).reason).toBe('the program said nothing');
  });

  it('keeps a bounded number of bounded lines', () => {
    const messages = new ProcessMessages([]);
    for (let line = 0; line < 500; line += 1) messages.add(`${'x'.repeat(5000)}${line}\n`);
    messages.add('y'.repeat(1_000_000));
    messages.end();
    expect(messages.lines.length).toBeLessThanOrEqual(40);
    expect(Math.max(...messages.lines.map((line) => line.length))).toBeLessThanOrEqual(401);
  });
});
