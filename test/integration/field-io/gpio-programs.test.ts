import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import {
  findGpioPrograms,
  levelOf,
  monitorArguments,
  setArguments,
} from '../../../component/field-io/gpio-programs.ts';
import { GpioStandIn } from '../../support/gpio-stand-in.ts';

const line = { chip: 'gpiochip63', line: 17, isActiveLow: true, bias: 'disabled' } as const;

/** What a program of the machine says to these arguments, of a chip that is not there. */
const saidTo = async (program: string, given: readonly string[]): Promise<string> => {
  const error: unknown = await promisify(execFile)(program, given).catch((thrown) => thrown);
  return (error as { stderr: string }).stderr;
};

it('the installed programs of libgpiod take our arguments, and miss only the chip', async () => {
  const programs = await findGpioPrograms();
  for (const [program, given] of [
    ['gpiomon', monitorArguments(line, programs)],
    ['gpioset', setArguments(line, 1, programs)],
  ] as const) {
    expect(await saidTo(program, given)).toMatch(/No such file or directory|cannot find/);
    expect(await saidTo(program, [...given, '--no-such-option'])).toMatch(/option/);
  }
});

it('the arguments of both versions are those of their manuals', () => {
  expect(monitorArguments(line, { isVersion2: false })).toEqual(
    '--line-buffered --format=%e --active-low --bias=disable gpiochip63 17'.split(' '),
  );
  expect(monitorArguments(line, { isVersion2: true })).toEqual(
    '--chip gpiochip63 --edges both --format %e --active-low --bias=disabled 17'.split(' '),
  );
  expect(setArguments(line, 1, { isVersion2: false })).toEqual(
    '--mode=signal --active-low --bias=disable gpiochip63 17=1'.split(' '),
  );
  expect(setArguments(line, 1, { isVersion2: true })).toEqual(
    '--chip gpiochip63 --active-low --bias=disabled 17=1'.split(' '),
  );
});

it('the edge that each version tells is a level, and its other lines are none', () => {
  expect(['0', '1', '2', ' 1 ', '', 'Monitoring lines'].map(levelOf)).toEqual([
    ...[0, 1, 0, 1, undefined, undefined],
  ]);
});

it('the programs that hold lines end with a runtime that is killed', async () => {
  const gpio = await GpioStandIn.start(2);
  onTestFinished(() => gpio.close());
  const program = path.join(import.meta.dirname, '../../support/hold-line-until-killed.ts');
  const runtime = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(runtime.stdout, 'data');
  expect(await gpio.holders()).toEqual(['gpiomon', 'gpioset']);
  runtime.kill('SIGKILL');
  await once(runtime, 'close');
  await expect.poll(() => gpio.holders(), { timeout: 5000 }).toEqual([]);
});
