import type { Command } from 'commander';
import { VedetteError } from '../../component/contract/errors.ts';
import { ddaNameOf } from '../dda/dda-names.ts';
import { packageDda } from '../dda/dda-release.ts';
import { DDA_RELEASES } from '../dda/dda-targets.ts';
import type { DdaRelease } from '../dda/dda-targets.ts';
import { prepareDda } from '../dda/prepare-dda.ts';
import { checkDdaPublication, publishTargets, releaseFor } from '../dda/publish-targets.ts';
import type { DdaPublication, TargetResult } from '../dda/publish-targets.ts';
import { planPublication } from '../publication/plan-publication.ts';
import { probeLimits } from './model-package.ts';
import { openDestination } from './open-destination.ts';
import { pollingOf } from './publish-options.ts';
import type { PublishModelOptions } from './publish-options.ts';
import { showPlan } from './show-published.ts';
import { withRecords } from './with-records.ts';
import type { PublisherContext } from './publisher-context.ts';
import { withScratchFolder } from './scratch-folder.ts';
import { showPhases } from './show-phases.ts';

export const withDdaOptions = (command: Command): Command =>
  command
    .option('--target <targets...>', 'dda: one component for each of these targets')
    .option('--compiled <target=archive...>', 'dda: archive of SageMaker Neo for a target')
    .option('--friendly-name <name>', "dda: the name that people see; else the model's")
    .option(
      '--dda-release <year>',
      'dda: 2025, or 2026 with its LocalServer for each JetPack',
      '2026',
    )
    .option('--usecase-id <id>', 'dda: value of the tag dda-portal:usecase-id')
    .option('--training-id <id>', 'dda: value of the tag dda-portal:training-id')
    .option('--created-by <name>', 'dda: value of the tag dda-portal:created-by');

/** `vedette publish model --profile dda` */
export async function publishForDda(
  path: string,
  options: PublishModelOptions,
  context: PublisherContext,
): Promise<void> {
  const { phase } = showPhases(context, options.json === true);
  const signal = context.interruption();
  const release = releaseOf(options.ddaRelease);
  const compiled = compiledOf(options.compiled ?? []);
  await withRecords(options, context, async (records) => {
    const destination = await openDestination(options);
    const { store, gateway } = destination;
    const run = await records.beginRun('dda', path, gateway.description);
    try {
      const prepared = await run.phase('prepare', () =>
        phase('prepare', async (note) => {
          const probe = options.run ? probeLimits() : undefined;
          const model = await prepareDda(path, { compiled, probe, onProgress: note, signal });
          note(`${model.stageType}, runtime ${model.runtime}`);
          return model;
        }),
      );
      try {
        const name = options.name ?? prepared.name;
        const publication: DdaPublication = {
          name: options.component ?? ddaNameOf(name),
          version: options.modelVersion,
          friendlyName: options.friendlyName ?? name,
          targets: options.target ?? [],
          runtime: prepared.runtime,
          release,
          tags: options,
        };
        checkDdaPublication(publication);
        await withScratchFolder(async (scratch) => {
          const archiveFor = (target: string) =>
            packageDda(prepared, prepared.filesFor(target), scratch, signal);
          await run.phase('package', () =>
            phase('package', async (note) => {
              for (const target of publication.targets) {
                await archiveFor(target).then(
                  ({ fileName, byteLength }) => note(`${target}: ${fileName}, ${byteLength} bytes`),
                  (error: unknown) => note(`${target}: ${VedetteError.from(error).message}`),
                );
              }
            }),
          );
          const doors = { store, gateway, book: records };
          if (options.dryRun) {
            const calls: string[] = [];
            for (const target of publication.targets) {
              const planned = await releaseFor(
                publication,
                target,
                await archiveFor(target),
                doors,
              );
              calls.push(...planPublication(planned, doors));
            }
            showPlan(calls, options, context);
            return;
          }
          const results = await run.phase('create', () =>
            phase('create', (note) =>
              publishTargets(publication, archiveFor, doors, {
                signal,
                onProgress: note,
                polling: pollingOf(options),
              }),
            ),
          );
          showResults(results, options, context);
        });
      } finally {
        await prepared.close();
      }
      await run.end();
    } catch (error) {
      await run.end(error);
      throw error;
    } finally {
      destination.close();
    }
  });
}

/** @throws VedetteError of the first target that failed, after all of them were shown */
function showResults(
  results: readonly TargetResult[],
  { json }: Pick<PublishModelOptions, 'json'>,
  { stdout }: PublisherContext,
): void {
  const outcomes = results.map(({ outcome }) => outcome);
  if (json) stdout.write(`${JSON.stringify(outcomes, undefined, 2)}\n`);
  for (const {
    target,
    component_name,
    component_version,
    component_arn,
    status,
    error,
  } of outcomes) {
    if (json) break;
    stdout.write(
      status === 'published'
        ? `${target}: ${component_name} ${component_version} is DEPLOYABLE\n  ${component_arn}\n`
        : `${target}: ${component_name} failed: ${error}\n`,
    );
  }
  const failures = results.flatMap(({ fault }) => fault ?? []);
  const [first] = failures;
  if (!first) return;
  throw new VedetteError(
    first.code,
    `${failures.length} of ${results.length} targets failed: ${first.message}`,
    { cause: first, details: first.details },
  );
}

function releaseOf(text: string): DdaRelease {
  const release = DDA_RELEASES.find((one) => one === text);
  if (release) return release;
  throw new VedetteError(
    'REQUEST_INVALID',
    `--dda-release is '${text}', expected ${DDA_RELEASES.join(' or ')}`,
  );
}

function compiledOf(pairs: readonly string[]): Map<string, string> {
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)] as const;
      throw new VedetteError(
        'REQUEST_INVALID',
        `--compiled is '${pair}', expected <target>=<archive>`,
      );
    }),
  );
}
