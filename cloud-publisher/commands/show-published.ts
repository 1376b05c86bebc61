import { join } from 'node:path';
import type { PublishedComponent } from '../publication/publish-component.ts';
import type { PublishModelOptions } from './publish-options.ts';
import type { PublisherContext } from './publisher-context.ts';

export function showPlan(
  calls: readonly string[],
  { json }: Pick<PublishModelOptions, 'json'>,
  { stdout }: PublisherContext,
): void {
  stdout.write(
    json
      ? `${JSON.stringify({ dryRun: true, calls }, undefined, 2)}\n`
      : calls.map((call) => `would ${call.startsWith('write') ? '' : 'call '}${call}\n`).join(''),
  );
}

export function showPublished(
  published: PublishedComponent,
  { json, to }: Pick<PublishModelOptions, 'json' | 'to'>,
  { stdout }: PublisherContext,
): void {
  if (json) {
    stdout.write(`${JSON.stringify(published, undefined, 2)}\n`);
    return;
  }
  const { component, version, state, isNew, arn } = published;
  stdout.write(`${component} ${version} is ${state}${isNew ? '' : ', and was before'}\n  ${arn}\n`);
  for (const { uri, sha256 } of published.artifacts)
    stdout.write(`  ${uri}\n    sha256 ${sha256}\n`);
  if (to === undefined) return;
  const [recipes, artifacts] = [join(to, 'recipes'), join(to, 'artifacts')];
  stdout.write(
    `deploy it on a device: greengrass-cli deployment create --recipeDir ${recipes} --artifactDir ${artifacts} --merge ${component}=${version}\n`,
  );
}
