import type { Command } from 'commander';
import { runtimeConfigSchema } from '../contract/config.ts';
import { modelConfigSchema } from '../contract/model-config.ts';
import { VedetteError } from '../contract/errors.ts';
import { describeModel } from '../inference/describe-model.ts';
import type { CommandContext } from './command-context.ts';
import { exitCodeOf } from './command-context.ts';
import { addModelBench } from './model-bench.ts';
import { addModelCompare } from './model-compare.ts';
import { addModelEvaluate } from './model-evaluate.ts';
import { addModelInstall } from './model-install.ts';
import { addModelList } from './model-list.ts';
import { addModelPredict } from './model-predict.ts';
import { addModelRemove } from './model-remove.ts';
import { addModelVersions } from './model-versions.ts';
import { renderModel } from './render-model.ts';

interface InspectOptions {
  readonly variant?: string;
  readonly run: boolean;
  readonly json?: boolean;
}

/** `vedette model …` */
export function addModelCommands(program: Command, context: CommandContext): void {
  const model = program.command('model').description('look at, try, install and remove models');
  model
    .command('inspect')
    .description('say what a model is and whether it runs on this machine')
    .argument('<path>', 'model package (a folder, zip, tar or tar.gz) or an ONNX file')
    .option('--variant <name>', 'variant of the package; its first one when absent')
    .option('--no-run', 'read the model only, without a first run in a probe process')
    .option('--json', 'print the description as JSON')
    .action((path: string, options: InspectOptions) => inspect(path, options, context));
  addModelPredict(model, context);
  addModelEvaluate(model, context);
  addModelCompare(model, context);
  addModelBench(model, context);
  addModelInstall(model, context);
  addModelList(model, context);
  addModelRemove(model, context);
  addModelVersions(model, context);
}

/** The exit code is 0 for a model that would run, 2 for one with a problem. */
async function inspect(
  path: string,
  options: InspectOptions,
  context: CommandContext,
): Promise<void> {
  const limits = modelConfigSchema.parse({ package: path });
  const description = await describeModel(path, {
    variant: options.variant,
    probe: options.run
      ? {
          memoryMegabytes: limits.probeMemoryMegabytes,
          timeoutMs: limits.probeTimeoutMs,
          threads: limits.threadsPerWorker,
          maxImagePixels: runtimeConfigSchema.parse({}).limits.maxImagePixels,
        }
      : undefined,
  });
  context.stdout.write(
    options.json ? `${JSON.stringify(description, undefined, 2)}\n` : renderModel(description),
  );
  if (!description.problem) return;
  const error = VedetteError.deserialize(description.problem);
  process.exitCode = exitCodeOf(error, options.json ? context : { stderr: context.stderr });
}
