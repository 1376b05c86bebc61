import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { measureInterleaved } from '../../bench/measure-interleaved.ts';
import { TurnProcess } from '../../bench/turn-process.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'vedette-turns-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Answers as native/bench/serve.cc does, and writes down what it was asked. */
const PROGRAM = `
import { appendFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const [log] = process.argv.slice(2);
for await (const line of createInterface({ input: process.stdin })) {
  appendFileSync(log, line + '\\n');
  const [command, index, rest] = line.split(' ');
  if (command === 'list') console.log(JSON.stringify({ contenders: [{ work: 'a 640', name: 'x' }, { work: 'a 640', name: 'y' }] }));
  else if (command === 'tensor') { writeFileSync(rest, Buffer.from(Float32Array.of(Number(index), 0.5).buffer)); console.log('{}'); }
  else if (index === '1') process.exit(3);
  else console.log('[4,2,6]');
}`;

async function start(name: string): Promise<{ turns: TurnProcess; log: string }> {
  const file = path.join(folder, `${name}.mjs`);
  const log = path.join(folder, `${name}.log`);
  writeFileSync(file, PROGRAM);
  return { turns: await TurnProcess.start(name, process.execPath, [file, log]), log };
}

describe('a program that takes turns', () => {
  it('lists what it can do, gives tensors and times of its own', async () => {
    const { turns, log } = await start('whole');
    expect(turns.names('a 640')).toEqual(['x', 'y']);
    const tensor = await turns.tensor('a 640', 'y', path.join(folder, 'tensor'));
    expect([...tensor]).toEqual([1, 0.5]);
    const [timing] = await measureInterleaved([turns.contender('a 640', 'x')], {
      rounds: 2,
      turnMs: 7,
    });
    expect(timing).toMatchObject({ name: 'x', calls: 6, medianMs: 4, roundMediansMs: [4, 4] });
    await turns.close();
    expect(readFileSync(log, 'utf8')).toBe(
      `list\ntensor 1 ${path.join(folder, 'tensor')}\nturn 0 7\nturn 0 7\nturn 0 7\n`,
    );
  });

  it('that ends in the middle is named, with what it was told', async () => {
    const { turns } = await start('dying');
    const contender = turns.contender('a 640', 'y');
    await expect(measureInterleaved([contender], { rounds: 1, turnMs: 5 })).rejects.toThrow(
      'dying ended when it was told «turn 1 5»',
    );
    await turns.close();
  });

  it('that does not exist is named', async () => {
    await expect(TurnProcess.start('nobody', path.join(folder, 'nobody'), [])).rejects.toThrow(
      'nobody ended when it was told «list»',
    );
  });

  it('has no contender but those of its list', async () => {
    const { turns } = await start('strict');
    expect(() => turns.contender('a 640', 'z')).toThrow('nothing called «z» for «a 640»');
    await turns.close();
  });
});
