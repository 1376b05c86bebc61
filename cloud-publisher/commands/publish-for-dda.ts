import type { Command } from 'commander';
import { VedetteError } from '../../component/contract/errors.ts';
import { ddaComponentOf, ddaNameOf } from '../dda/dda-names.ts';
import { packageDda } from '../dda/dda-release.ts';
import { DDA_RELEASES } from '../dda/dda-targets.ts';
import type { DdaRelease } from '../dda/dda-targets.ts';
import { compilationProblems } from '../dda/neo-platforms.ts';
import { prepareDda } from '../dda/prepare-dda.ts';
import type { StageFile } from '../dda/prepare-dda.ts';
import { checkDdaPublication, publishTargets, releaseFor } from '../dda/publish-targets.ts';
import type { DdaPublication, TargetResult } from '../dda/publish-targets.ts';
import type { PackedArchive } from '../package/packed-archive.ts';
import type { PublicationDoors } from '../publication/publish-component.ts';
import { planPublication } from '../publication/plan-publication.ts';
import { compilationPlaceOf, withCompilation } from './compile-for-dda.ts';
import { probeLimits } from './model-package.ts';
import { pollingOf } from './publish-options.ts';
import type { PublishModelOptions } from './publish-options.ts';
import { showPlan } from './show-published.ts';
import type { PublisherContext } from './publisher-context.ts';
import { withScratchFolder } from './scratch-folder.ts';
import { withPublication } from './with-publication.ts';

export const withDdaOptions = (command: Command): Command =>
  command
    .option('--target <targets...>', 'dda: one component for each of these targets')
    .option('--compiled <target=archive...>', 'dda: archive of SageMaker Neo for a target')
    .option(
      '--compile-role <arn>',
      'dda: role with which SageMaker Neo compiles for targets without an archive',
    )
    .option(
      '--compile-output <address>',
      'dda: where Neo finds the model and leaves archives, such as s3://bucket/prefix',
    )
    .option('--friendly-name <name>', "dda: the name that people see; else the model's")
    .option(
      '--dda-release <year>',
      'dda: 2025, or 2026 with its LocalServer for each JetPack',
      '2026',
    )
    .option('--usecase-id <id>', 'dda: value of the tag dda-portal:usecase-id')
    .option('--training-id <id>', 'dda: value of the tag dda-portal:training-id')
    .option('--created-by <name>', 'dda: value of the tag dda-portal:created-by');

/**
 * `vedette publish model --profile dda`
 * @param source what records call it
 */
export async function publishForDda(
  path: string,
  options: PublishModelOptions,
  context: PublisherContext,
  source: string,
): Promise<void> {
  const release = releaseOf(options.ddaRelease);
  const compiled = compiledOf(options.compiled ?? [], options.target ?? []);
  const place = compilationPlaceOf(options);
  await withPublication({ profile: 'dda', source }, options, context, async (publishing) => {
    const { doors, phase, signal } = publishing;
    const prepared = await phase('prepare', async (note) => {
      const probe = options.run ? probeLimits() : undefined;
      const model = await prepareDda(path, { compiled, probe, onProgress: note, signal });
      note(`${model.stageType}, runtime ${model.runtime}`);
      return model;
    });
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
      const { compilable } = prepared;
      const toCompile =
        place && compilable ? publication.targets.filter((one) => !compiled.has(one)) : [];
      if (toCompile.length > 0) checkCompilation(toCompile);
      await withScratchFolder(async (scratch) => {
        const faults = new Map<string, VedetteError>();
        const calls: string[] = [];
        if (place && compilable && toCompile.length > 0) {
          await withCompilation(place, options, scratch, async (compilation) => {
            if (options.dryRun) {
              calls.push(...(await compilation.plan(compilable, toCompile)));
              return;
            }
            const outcomes = await phase('compile', (note) =>
              compilation.compile(compilable, toCompile, note, signal),
            );
            for (const [target, outcome] of outcomes) {
              if ('fault' in outcome) {
                faults.set(target, outcome.fault);
                continue;
              }
              await prepared.addCompiled(target, outcome.file).catch((error: unknown) => {
                signal.throwIfAborted();
                faults.set(target, VedetteError.from(error));
              });
            }
          });
        }
        // Targets with the same files have the same archive, which is packed once.
        const packed = new Map<readonly StageFile[], Promise<PackedArchive>>();
        const archiveFor = async (target: string): Promise<PackedArchive> => {
          const fault = faults.get(target);
          if (fault) throw fault;
          const files = prepared.filesFor(target);
          const archive = packed.get(files) ?? packageDda(prepared, files, scratch, signal);
          packed.set(files, archive);
          return archive;
        };
        await phase('package', async (note) => {
          for (const target of publication.targets) {
            if (options.dryRun && toCompile.includes(target)) continue;
            await archiveFor(target).then(
              ({ fileName, byteLength }) => note(`${target}: ${fileName}, ${byteLength} bytes`),
              (error: unknown) => note(`${target}: ${VedetteError.from(error).message}`),
            );
          }
        });
        if (options.dryRun) {
          for (const target of publication.targets) {
            if (toCompile.includes(target)) {
              calls.push(...planCompiled(publication, target, doors));
              continue;
            }
            const planned = await releaseFor(publication, target, await archiveFor(target), doors);
            calls.push(...planPublication(planned, doors));
          }
          showPlan(calls, options, context);
          return;
        }
        const results = await phase('create', (note) =>
          publishTargets(publication, archiveFor, doors, {
            signal,
            onProgress: note,
            polling: pollingOf(options),
          }),
        );
        showResults(results, options, context);
      });
    } finally {
      await prepared.close();
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

/** @throws VedetteError DDA_TARGET_UNKNOWN with every target that Neo does not compile for */
function checkCompilation(targets: readonly string[]): void {
  const problems = compilationProblems(targets);
  if (problems.length === 0) return;
  throw new VedetteError(
    'DDA_TARGET_UNKNOWN',
    problems.map((problem) => `\n  - ${problem}`).join(''),
    { details: { problems } },
  );
}

/** The archive that will be compiled is not known, nor the version where none is given. */
const planCompiled = (
  { name, version = '<next>' }: DdaPublication,
  target: string,
  { store, gateway }: Pick<PublicationDoors, 'store' | 'gateway'>,
): string[] => [
  `write what was compiled for ${target} to ${store.description}, below model_artifacts`,
  ...gateway.plan(ddaComponentOf(name, target), version),
];

function releaseOf(text: string): DdaRelease {
  const release = DDA_RELEASES.find((one) => one === text);
  if (release) return release;
  throw new VedetteError(
    'REQUEST_INVALID',
    `--dda-release is '${text}', expected ${DDA_RELEASES.join(' or ')}`,
  );
}

/** @throws VedetteError REQUEST_INVALID, also for a target that nothing is published for */
function compiledOf(pairs: readonly string[], targets: readonly string[]): Map<string, string> {
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      const target = pair.slice(0, Math.max(at, 0));
      if (at > 0 && !targets.includes(target)) {
        throw new VedetteError(
          'REQUEST_INVALID',
          `--compiled is for '${target}', expected one of --target: ${targets.join(', ') || 'none is given'}`,
        );
      }
      if (at > 0) return [target, pair.slice(at + 1)] as const;
      throw new VedetteError(
        'REQUEST_INVALID',
        `--compiled is '${pair}', expected <target>=<archive>`,
      );
    }),
  );
}
