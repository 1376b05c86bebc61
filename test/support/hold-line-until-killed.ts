import {
  findGpioPrograms,
  GpioProgram,
  monitorArguments,
  setArguments,
} from '../../component/field-io/gpio-programs.ts';

/** Holds a line and watches it, as a runtime does, until it is killed. */
const line = { chip: 'gpiochip0', line: 17, isActiveLow: false, bias: 'as-is' } as const;
const programs = await findGpioPrograms();
await GpioProgram.start('gpiomon', monitorArguments(line, programs));
await GpioProgram.start('gpioset', setArguments(line, 1, programs));
process.stdout.write('held\n');
setInterval(() => {}, 60_000);
