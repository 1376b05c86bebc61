import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import type { InferenceAnswer, ScoreThresholds } from '../contract/ports.ts';
import type { Verdict } from '../contract/result.ts';
import type { ModelPackage } from '../inference/package/read-package.ts';
import { runOnPictures } from '../inference/run-on-pictures.ts';
import type { JudgedPicture } from '../inference/run-on-pictures.ts';
import { judge } from '../pipeline/judge.ts';
import { median } from './median.ts';
import type { CommandContext } from './command-context.ts';
import { drawJudged, DrawingFolder } from './draw-judged.ts';
import { findingsText } from './findings-text.ts';
import { Interruption } from './interruption.ts';
import {
  MODEL_ARGUMENT,
  openRunner,
  thresholdsOf,
  withRunnerOptions,
  withThresholdOptions,
} from './model-runner.ts';
import type { RunnerOptions, ThresholdOptions } from './model-runner.ts';
import { numberBetween } from './option-values.ts';
import { allPictures, readPictureArguments } from './picture-arguments.ts';
import type { NamedPicture } from './picture-arguments.ts';

interface PredictOptions extends RunnerOptions, ThresholdOptions {
  readonly variant?: string;
  readonly out?: string;
  readonly every: number;
}

const RESULTS_FILE = 'results.jsonl';

/** `vedette model predict` */
export function addModelPredict(model: Command, context: CommandContext): void {
  const command = model
    .command('predict')
    .description('run a model on pictures and show what it finds')
    .argument('<model>', MODEL_ARGUMENT)
    .argument('<pictures...>', 'picture files, folders (with those below), video clips')
    .option('--variant <name>', 'variant of the package; the one for this machine when absent')
    .option('-o, --out <folder>', `draw each result into this folder, beside ${RESULTS_FILE}`)
    .option(
      '--every <seconds>',
      'of a clip, one picture in so many',
      numberBetween(0.001, 3600),
      1,
    );
  withThresholdOptions(withRunnerOptions(command, 'print one JSON object a line for each picture'));
  command.action((named: string, paths: string[], options: PredictOptions) =>
    predict(named, paths, options, context),
  );
}

/** The exit code is 0 when every picture was judged, 2 when one was not. */
async function predict(
  named: string,
  paths: readonly string[],
  options: PredictOptions,
  context: CommandContext,
): Promise<void> {
  const pictures = await readPictureArguments(paths);
  const out = options.out === undefined ? undefined : await Output.open(options.out, paths);
  let thresholds: ScoreThresholds = { labels: {} };
  const prepare = (model: ModelPackage) => {
    thresholds = thresholdsOf(options, model);
    return model;
  };
  const settings = { variant: options.variant, defaultWorkers: 1, prepare };
  const opened = await openRunner(named, options, settings, context);
  const interruption = new Interruption(context.stdout);
  const begin = performance.now();
  const report = new PredictReport(context, options.json === true, pictures.files);
  try {
    const { runner, model, config } = opened;
    const { maxImagePixels } = config.limits;
    report.begin(`${model.manifest.name} ${model.manifest.version}, ${model.variant.name}`);
    const source = allPictures(pictures, options.every, config.ffmpeg.path);
    const request = { thresholds, wantsAnomalyMap: out !== undefined };
    for await (const judged of runOnPictures(runner, source, request)) {
      const verdict = 'answer' in judged ? verdictOf(judged.answer) : undefined;
      const drawn =
        out && 'answer' in judged
          ? await out.draw(judged.picture, judged.answer, verdict, maxImagePixels)
          : undefined;
      const line = jsonLine(judged, verdict, drawn);
      await out?.append(line);
      report.add(judged, line);
      if (!interruption.isWanted) break;
    }
  } finally {
    interruption.close();
    await opened.close();
    await out?.close();
  }
  report.end(performance.now() - begin, options.out);
}

/** Only an anomaly model judges by itself; rules belong to cameras. */
const verdictOf = ({ findings }: InferenceAnswer): Verdict | undefined =>
  findings.anomaly ? judge([], findings) : undefined;

function jsonLine(
  judged: JudgedPicture,
  verdict: Verdict | undefined,
  drawn: string | undefined,
): string {
  const picture = judged.picture.name;
  if ('error' in judged) return JSON.stringify({ picture, error: judged.error.serialize() });
  const { answer } = judged;
  return JSON.stringify({
    picture,
    ...answer.picture,
    model: answer.model,
    ...answer.findings,
    ...(verdict ? { verdict } : {}),
    timings: answer.timings,
    ...(drawn === undefined ? {} : { drawn }),
  });
}

/** The folder of `--out`. */
class Output {
  readonly #folder: DrawingFolder;
  readonly #results: ReturnType<typeof createWriteStream>;

  static async open(folder: string, sources: readonly string[]): Promise<Output> {
    const drawings = await DrawingFolder.open(folder, sources);
    return new Output(drawings, createWriteStream(join(folder, RESULTS_FILE)));
  }

  private constructor(folder: DrawingFolder, results: ReturnType<typeof createWriteStream>) {
    this.#folder = folder;
    this.#results = results;
  }

  async draw(
    picture: NamedPicture,
    answer: InferenceAnswer,
    verdict: Verdict | undefined,
    maxImagePixels: number,
  ): Promise<string> {
    const jpeg = await drawJudged(picture, answer, verdict, { maxImagePixels });
    return this.#folder.write(picture.relativePath, jpeg);
  }

  async append(line: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#results.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    this.#results.end();
    await finished(this.#results);
  }
}

const STAGES = ['preprocessMs', 'runMs', 'decodeMs'] as const;
const LONGEST_NAME = 60;

/** Rows on a terminal, or JSON lines. */
class PredictReport {
  readonly #context: CommandContext;
  readonly #isJson: boolean;
  readonly #width: number;
  readonly #times: InferenceAnswer['timings'][] = [];
  #failures = 0;

  constructor(context: CommandContext, isJson: boolean, files: readonly NamedPicture[]) {
    this.#context = context;
    this.#isJson = isJson;
    const longest = Math.max(24, ...files.map(({ name }) => name.length));
    this.#width = Math.min(LONGEST_NAME, longest);
  }

  begin(model: string): void {
    if (this.#isJson) return;
    const head = ['picture'.padEnd(this.#width), 'prepare', '    run', ' decode', '  found'];
    this.#context.stdout.write(`${model}; times in milliseconds\n${head.join('')}\n`);
  }

  add(judged: JudgedPicture, line: string): void {
    const { name } = judged.picture;
    if ('answer' in judged) this.#times.push(judged.answer.timings);
    else this.#failures += 1;
    if (this.#isJson) {
      this.#context.stdout.write(`${line}\n`);
      return;
    }
    if ('error' in judged) {
      this.#context.stderr.write(`${name}: ${judged.error.code}: ${judged.error.message}\n`);
      return;
    }
    const { timings, findings } = judged.answer;
    const times = STAGES.map((stage) => timings[stage].toFixed(1).padStart(7)).join('');
    this.#context.stdout.write(`${fit(name, this.#width)}${times}  ${findingsText(findings)}\n`);
  }

  end(elapsedMs: number, out: string | undefined): void {
    if (this.#failures > 0) process.exitCode ??= 2;
    if (this.#isJson) return;
    const judged = this.#times.length;
    const medians = STAGES.map((stage) => median(this.#times.map((times) => times[stage])));
    const [prepare, run, decode] = medians.map((value) => value.toFixed(1));
    const failed = this.#failures === 0 ? '' : `, ${this.#failures} could not be judged`;
    this.#context.stdout.write(
      `${judged} ${judged === 1 ? 'picture' : 'pictures'} in ${(elapsedMs / 1000).toFixed(1)} s${failed}` +
        (judged === 0 ? '\n' : `; medians: prepare ${prepare}, run ${run}, decode ${decode} ms\n`) +
        (out === undefined ? '' : `drawn into ${out}, with ${RESULTS_FILE}\n`),
    );
  }
}

/** The end of a long path says more than its beginning. */
const fit = (name: string, width: number): string =>
  name.length <= width ? name.padEnd(width) : `…${name.slice(1 - width)}`;
