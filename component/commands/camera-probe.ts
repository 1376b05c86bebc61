import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { probeSource, type ProbeReport } from '../camera/probe-source.ts';
import { VedetteError } from '../contract/errors.ts';
import { exitCodeOf, type CommandContext } from './command-context.ts';
import { openNamedCamera, withCameraOptions, type CameraOptions } from './named-camera.ts';
import { numberBetween } from './option-values.ts';

interface ProbeCommandOptions extends CameraOptions {
  readonly seconds: number;
  readonly timeout: number;
  readonly still?: string;
  readonly json?: boolean;
}

/** `vedette camera probe` */
export function addCameraProbe(camera: Command, context: CommandContext): void {
  withCameraOptions(
    camera
      .command('probe')
      .description('open a source and say what it gives: format, size, rate, delay'),
  )
    .option('--seconds <number>', 'how long frames are counted', numberBetween(0.1, 3600), 5)
    .option('--timeout <number>', 'seconds for the first frame', numberBetween(0.1, 3600), 15)
    .option('--still <file>', 'keep the last frame in this file')
    .option('--json', 'print one JSON object, with `problem` when it fails')
    .action((named: string, options: ProbeCommandOptions) => probe(named, options, context));
}

async function probe(
  named: string,
  options: ProbeCommandOptions,
  context: CommandContext,
): Promise<void> {
  const { camera, driver } = await openNamedCamera(named, options, context);
  const { kind } = camera.source;
  try {
    const report = await probeSource(driver, {
      durationMs: options.seconds * 1000,
      openingMs: options.timeout * 1000,
      maxFrameBytes: camera.maxFrameBytes,
    });
    const { still, ...shown } = report;
    if (options.still !== undefined) await writeFile(options.still, still.bytes);
    context.stdout.write(
      options.json ? `${JSON.stringify({ kind, ...shown }, undefined, 2)}\n` : text(kind, report),
    );
  } catch (error) {
    const problem = VedetteError.from(error);
    if (options.json) {
      const serialized = { kind, problem: problem.serialize() };
      context.stdout.write(`${JSON.stringify(serialized, undefined, 2)}\n`);
    }
    process.exitCode = exitCodeOf(problem, context);
  }
}

function text(kind: string, report: ProbeReport): string {
  const { width, height, format, frames, framesPerSecond, longestGapMs } = report;
  const dropped = Object.entries(report.framesDropped)
    // Nobody looked at these; it was only counted.
    .filter(([reason]) => reason !== 'overwritten')
    .map(([reason, count]) => `${count} ${reason}`);
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  const rows: [string, string][] = [
    ['source', kind],
    ['picture', `${width} × ${height}, ${format}`],
    ['frames', `${frames}, the first after ${ms(report.firstFrameMs)}`],
    [
      'rate',
      framesPerSecond === undefined
        ? 'unknown: only one frame came'
        : `${framesPerSecond.toFixed(2)} a second, longest gap ${ms(longestGapMs ?? 0)}`,
    ],
    ['delay', `${ms(report.delayMs)} from arrival to this program`],
    ...(dropped.length === 0 ? [] : [['dropped', dropped.join(', ')] satisfies [string, string]]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(9)} ${value}\n`).join('');
}
