import { join } from 'node:path';
import type { Command } from 'commander';
import { scaffoldProject } from '../prepare/scaffold-project.ts';
import type { PublisherContext } from './publisher-context.ts';

interface InitOptions {
  readonly to: string;
  readonly name?: string;
  readonly modelVersion?: string;
  readonly json?: boolean;
}

/** `vedette init` */
export function addInit(program: Command, { stdout }: PublisherContext): void {
  program
    .command('init')
    .description('begin with an ONNX file: a model package and a bundle, to be looked through')
    .argument('<onnx>', 'the ONNX file; it is copied')
    .option('-t, --to <folder>', 'the folder to make; files that are there are kept', '.')
    .option('--name <name>', "the model's name; else that of the file")
    .option('--model-version <version>', "the model's version; else 1.0.0")
    .option('--json', 'print the outcome as JSON')
    .action(async (onnx: string, { to, name, modelVersion, json }: InitOptions) => {
      const made = await scaffoldProject(onnx, to, { name, version: modelVersion });
      if (json) {
        stdout.write(`${JSON.stringify(made, undefined, 2)}\n`);
        return;
      }
      const lines = [
        ...made.files.map((file) => `made ${join(to, file)}`),
        ...made.guesses.map((guess) => `look at model.json: ${guess}`),
        `then: vedette publish model ${join(to, 'model')} --to components`,
        `and: vedette bundle create ${join(to, 'bundle.yaml')} --to components`,
      ];
      stdout.write(`${lines.join('\n')}\n`);
    });
}
