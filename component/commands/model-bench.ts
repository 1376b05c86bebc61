import { availableParallelism, cpus } from 'node:os';
import type { Command } from 'commander';
import { VedetteError } from '../contract/errors.ts';
import { modelConfigSchema } from '../contract/model-config.ts';
import { openPackage } from '../inference/open-package.ts';
import type { OpenedPackage } from '../inference/open-package.ts';
import { whyNotHere } from '../inference/package/pick-variant.ts';
import { PictureRunner } from '../inference/picture-runner.ts';
import { runProbe } from '../inference/run-probe.ts';
import { benchAdvice, benchFigures } from './benchmark/bench-figures.ts';
import type { Contender, RoundResult } from './benchmark/bench-figures.ts';
import { benchPictures } from './benchmark/bench-pictures.ts';
import { layoutsFor, layoutText } from './benchmark/layouts.ts';
import { measureRound } from './benchmark/measure-round.ts';
import { renderBench } from './benchmark/render-bench.ts';
import type { BenchReport } from './benchmark/render-bench.ts';
import type { CommandContext } from './command-context.ts';
import { Interruption } from './interruption.ts';
import { openStore, withStoreOptions } from './model-install.ts';
import type { StoreOptions } from './model-install.ts';
import { MODEL_ARGUMENT } from './model-runner.ts';
import { collect, numberBetween } from './option-values.ts';

interface BenchOptions extends StoreOptions {
  readonly variant?: readonly string[];
  readonly seconds?: number;
  readonly quick?: boolean;
}

const ROUNDS = 3;
const SECONDS = 6;
const QUICK_SECONDS = 1.5;

/** `vedette model bench` */
export function addModelBench(model: Command, context: CommandContext): void {
  const command = model
    .command('bench')
    .description('measure latency and throughput of each variant and thread layout on this machine')
    .argument('<model>', MODEL_ARGUMENT)
    .argument('[pictures...]', 'picture files or folders; golden ones or a made-up one when absent')
    .option('--variant <name>', 'measure only this one; repeatable', collect)
    .option(
      '--seconds <n>',
      `so long for each variant and layout, in ${ROUNDS} rounds; ${SECONDS} when absent`,
      numberBetween(0.3, 3600),
    )
    .option('--quick', `${QUICK_SECONDS} seconds for each: a first look`);
  withStoreOptions(command, 'print the figures as JSON');
  command.action((named: string, paths: string[], options: BenchOptions) =>
    bench(named, paths, options, context),
  );
}

async function bench(
  named: string,
  paths: readonly string[],
  options: BenchOptions,
  context: CommandContext,
): Promise<void> {
  const { config, store } = await openStore(options, context);
  const { maxImagePixels } = config.limits;
  const limits = modelConfigSchema.parse({ package: named });
  const opened: OpenedPackage[] = [];
  const interruption = new Interruption(context.stdout);
  const say = (text: string) => {
    context.stderr.write(`${text}\n`);
  };
  try {
    const first = await openPackage(named, { variant: options.variant?.[0], store });
    opened.push(first);
    const { names, refused } = variantsToMeasure(first, options.variant);
    for (const name of names) {
      if (name !== first.model.variant.name) {
        opened.push(await openPackage(named, { variant: name, store }));
      }
    }
    const { pictures, origin } = await benchPictures(paths, first.model);
    const memory: { variant: string; megabytes: number }[] = [];
    const models = names.map(
      (name) => opened.find(({ model }) => model.variant.name === name)!.model,
    );
    for (const model of models) {
      say(`${model.variant.name}: first run`);
      const untested = { ...model, manifest: { ...model.manifest, golden: [] } };
      const report = await runProbe(untested, {
        memoryMegabytes: limits.probeMemoryMegabytes,
        timeoutMs: limits.probeTimeoutMs,
        threads: 1,
        maxImagePixels,
      });
      memory.push({ variant: model.variant.name, megabytes: report.memoryMegabytes });
    }
    const cores = availableParallelism();
    const contenders = models.flatMap((model) =>
      layoutsFor(cores).map((layout) => ({ model, variant: model.variant.name, layout })),
    );
    const seconds = options.seconds ?? (options.quick ? QUICK_SECONDS : SECONDS);
    const secondsPerRound = Number((seconds / ROUNDS).toFixed(3));
    const results = new Map<Contender, RoundResult[]>(contenders.map((one) => [one, []]));
    for (let round = 1; round <= ROUNDS; round += 1) {
      // Another one begins each time: what slows the machine down hits all alike.
      const order = [...contenders.slice(round - 1), ...contenders.slice(0, round - 1)];
      for (const one of order) {
        say(`round ${round} of ${ROUNDS}: ${one.variant}, ${layoutText(one.layout)}`);
        const runner = await PictureRunner.start(one.model, {
          workers: one.layout.workers,
          threadsPerWorker: one.layout.threads,
          maxImagePixels,
          timeoutMs: limits.probeTimeoutMs,
        });
        try {
          const isWanted = () => interruption.isWanted;
          results.get(one)!.push(await measureRound(runner, pictures, secondsPerRound, isWanted));
        } finally {
          await runner.close();
        }
        if (!interruption.isWanted) return;
      }
    }
    const figures = [...results].map(([{ variant, layout }, rounds]) =>
      benchFigures({ variant, layout }, rounds),
    );
    const report: BenchReport = {
      ...{ model: first.model, named, cores, origin, secondsPerRound, figures, memory, refused },
      processor: cpus()[0]?.model.trim() ?? process.arch,
      rounds: ROUNDS,
      advice: benchAdvice(figures),
    };
    context.stdout.write(options.json ? benchJson(report) : renderBench(report));
  } finally {
    interruption.close();
    for (const one of opened) await one.release();
  }
}

function benchJson({ model, ...report }: BenchReport): string {
  const { name, version } = model.manifest;
  return `${JSON.stringify({ schemaVersion: 1, model: { name, version }, ...report }, undefined, 2)}\n`;
}

/** @throws VedetteError REQUEST_INVALID for a variant that the package does not have or this machine cannot run */
function variantsToMeasure(
  { model: { manifest } }: OpenedPackage,
  wanted: readonly string[] | undefined,
): { names: string[]; refused: { variant: string; reason: string }[] } {
  const all = manifest.variants.map((variant) => ({
    variant: variant.name,
    reason: whyNotHere(variant),
  }));
  if (!wanted) {
    const names = all.filter(({ reason }) => reason === undefined).map(({ variant }) => variant);
    const refused = all.flatMap(({ variant, reason }) =>
      reason === undefined ? [] : [{ variant, reason: `it ${reason}` }],
    );
    return { names, refused };
  }
  const known = all.map(({ variant }) => variant);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length === 0) return { names: [...new Set(wanted)], refused: [] };
  throw new VedetteError(
    'REQUEST_INVALID',
    `the package has no variant ${unknown.join(', ')}; it has ${known.join(', ')}`,
  );
}
