import type { Command } from 'commander';
import { runtimeConfigSchema } from '../../component/contract/config.ts';
import { modelConfigSchema } from '../../component/contract/model-config.ts';
import type { ProbeLimits } from '../../component/inference/run-probe.ts';
import { packageModel } from '../package/package-model.ts';
import { placeArchive } from '../package/place-archive.ts';
import { prepareModel } from '../prepare/prepare-model.ts';
import type { PreparedModel, VariantReport } from '../prepare/prepare-model.ts';
import type { PublisherContext } from './publisher-context.ts';
import { withScratchFolder } from './scratch-folder.ts';
import { showPhases } from './show-phases.ts';
import type { Note } from './show-phases.ts';

export interface SourceOptions {
  readonly name?: string;
  readonly modelVersion?: string;
  readonly acceptGuesses?: boolean;
  readonly run: boolean;
  readonly json?: boolean;
}

interface PackageOptions extends SourceOptions {
  readonly to: string;
}

/** `vedette model package` */
export function addModelPackage(model: Command, context: PublisherContext): void {
  withSourceOptions(
    model
      .command('package')
      .description('check a model, try it here and pack it: the same input gives the same bytes')
      .argument('<path>', 'model package (a folder, zip, tar or tar.gz) or an ONNX file')
      .option('-t, --to <folder>', 'where the archive is put; a different file there is kept', '.'),
  ).action((path: string, options: PackageOptions) => packageCommand(path, options, context));
}

export const withSourceOptions = (command: Command): Command =>
  command
    .option('--name <name>', 'what to call a DDA package or an ONNX file')
    .option('--model-version <version>', 'version of a DDA package or an ONNX file; else 1.0.0')
    .option('--accept-guesses', 'take what had to be guessed of a bare ONNX file')
    .option('--no-run', 'do not try the model: no first run, no golden pictures')
    .option('--json', 'print the outcome as JSON');

async function packageCommand(
  path: string,
  options: PackageOptions,
  context: PublisherContext,
): Promise<void> {
  const phases = showPhases(context, options.json === true);
  const signal = context.interruption();
  await withScratchFolder(async (scratch) => {
    const prepared = await phases.phase('prepare', (note) => prepare(path, options, signal, note));
    try {
      const archives = await phases.phase('package', async (note) => {
        const packed = await packageModel(prepared, scratch, signal);
        const placed = [];
        for (const archive of packed) {
          const { file, isNew } = await placeArchive(archive, options.to);
          note(`${isNew ? 'wrote' : 'there already, the same'}: ${file}`);
          placed.push({ ...archive, file, isNew });
        }
        return placed;
      });
      if (options.json) {
        const { name, version, reports: variants, warnings } = prepared;
        const outcome = { name, version, variants, warnings, archives };
        context.stdout.write(`${JSON.stringify(outcome, undefined, 2)}\n`);
        return;
      }
      for (const { file, sha256, byteLength, files, architectures } of archives) {
        context.stdout.write(
          `${file}\n  sha256 ${sha256}\n  ${byteLength} bytes, ${files.length} files, for ${architectures.join(' and ')}\n`,
        );
      }
    } finally {
      await prepared.close();
    }
  });
}

/** The first phase as both commands run and show it. */
export async function prepare(
  path: string,
  options: SourceOptions,
  signal: AbortSignal,
  note: Note,
): Promise<PreparedModel> {
  const prepared = await prepareModel(path, {
    name: options.name,
    version: options.modelVersion,
    acceptsGuesses: options.acceptGuesses,
    probe: options.run ? probeLimits() : undefined,
    onProgress: note,
    signal,
  });
  note(`${prepared.name} ${prepared.version}, ${prepared.manifest.task}`);
  for (const report of prepared.reports) note(variantLine(report));
  for (const warning of prepared.warnings) note(warning);
  return prepared;
}

function variantLine({ variant, probe, notRun }: VariantReport): string {
  if (!probe) return `variant ${variant}: read, not run: ${notRun}`;
  const { loadMs, firstRunMs, memoryMegabytes } = probe;
  return `variant ${variant}: loaded in ${loadMs.toFixed(0)} ms, ran in ${firstRunMs.toFixed(0)} ms, ${memoryMegabytes} MB`;
}

/** The limits that a device has unless it is told otherwise. */
export function probeLimits(): ProbeLimits {
  const model = modelConfigSchema.parse({ package: 'any' });
  return {
    memoryMegabytes: model.probeMemoryMegabytes,
    timeoutMs: model.probeTimeoutMs,
    threads: model.threadsPerWorker,
    maxImagePixels: runtimeConfigSchema.parse({}).limits.maxImagePixels,
  };
}
