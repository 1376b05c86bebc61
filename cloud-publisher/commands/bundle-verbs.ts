import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { VedetteError } from '../../component/contract/errors.ts';
import {
  bundleSha256,
  bundleText,
  componentSetOf,
  invalidBundle,
  readBundleRequest,
  versionsOf,
} from '../bundle/bundle-schema.ts';
import type { Bundle } from '../bundle/bundle-schema.ts';
import { createBundle } from '../bundle/create-bundle.ts';
import { diffBundles } from '../bundle/diff-bundles.ts';
import { exportBundle } from '../bundle/export-bundle.ts';
import { importBundle } from '../bundle/import-bundle.ts';
import { validateBundle } from '../bundle/validate-bundle.ts';
import type { BundleReport } from '../bundle/validate-bundle.ts';
import { GatewayCatalog } from '../compatibility/gateway-catalog.ts';
import { upgradeImpact } from '../compatibility/upgrade-impact.ts';
import type { ComponentGateway } from '../greengrass/component-gateway.ts';
import { FolderGateway } from '../greengrass/folder-gateway.ts';
import type { PublisherRecords } from '../registry/publisher-records.ts';
import { openGateway, openSource } from './open-destination.ts';
import type { PlaceOptions } from './open-destination.ts';
import type { PublisherContext } from './publisher-context.ts';
import { withScratchFolder } from './scratch-folder.ts';
import { openRecords } from './with-records.ts';

interface StateOptions {
  readonly state?: string;
  readonly json?: boolean;
}

type BundleOptions = StateOptions & PlaceOptions;

export async function createCommand(
  file: string,
  options: BundleOptions & { readonly dryRun?: boolean },
  context: PublisherContext,
): Promise<void> {
  const request = await readBundleRequest(file);
  await withGateway(options, async (gateway) => {
    const { bundle, report } = await createBundle(request, gateway);
    const isNew = options.dryRun
      ? undefined
      : await openRecords(options, context, ({ bundles }) => bundles.add(bundle));
    const sha256 = bundleSha256(bundle);
    print(options, context, { ...report, bundle, sha256, isNew }, () => [
      `bundle ${bundleText(bundle)}, sha256 ${sha256}${isNew === undefined ? ' (not kept)' : isNew ? '' : ', and was there before'}`,
      ...componentLines(bundle),
      ...reportLines(report),
    ]);
  });
}

export const listCommand = (options: StateOptions, context: PublisherContext): Promise<void> =>
  openRecords(options, context, async ({ bundles }) => {
    const all = await bundles.list();
    const rows = all.map(({ bundle: { name, version, description }, sha256, createdAtMs }) => ({
      name,
      version,
      description,
      sha256,
      createdAt: new Date(createdAtMs).toISOString(),
    }));
    print(options, context, rows, () =>
      rows.map(({ name, version, createdAt }) => `${name}@${version}  ${createdAt}`),
    );
  });

export const showCommand = (
  named: string,
  options: StateOptions & { readonly components?: boolean },
  context: PublisherContext,
): Promise<void> =>
  openRecords(options, context, async (records) => {
    const bundle = await find(named, records);
    if (options.components) {
      const components = componentSetOf(bundle);
      print(options, context, { components }, () => [stringify({ components }).trimEnd()]);
      return;
    }
    print(options, context, bundle, () => [
      `bundle ${bundleText(bundle)}, sha256 ${bundleSha256(bundle)}`,
      ...(bundle.description === '' ? [] : [`  ${bundle.description}`]),
      ...componentLines(bundle),
      ...bundle.devices.map(
        ({ name, os, architecture, nucleus }) =>
          `  for ${name}: ${os} ${architecture}, nucleus ${nucleus}`,
      ),
    ]);
  });

/** @throws VedetteError BUNDLE_INVALID, after everything was shown */
export const validateCommand = (
  named: string,
  options: BundleOptions,
  context: PublisherContext,
): Promise<void> =>
  openRecords(options, context, async (records) => {
    const bundle = await find(named, records);
    await withGateway(options, async (gateway) => {
      const report = await validateBundle(bundle, gateway);
      print(options, context, report, () => reportLines(report));
      if (report.problems.length > 0) {
        throw invalidBundle(`bundle ${bundleText(bundle)}`, report.problems);
      }
    });
  });

export const diffCommand = (
  first: string,
  second: string,
  options: StateOptions,
  context: PublisherContext,
): Promise<void> =>
  openRecords(options, context, async (records) => {
    const lines = diffBundles(await find(first, records), await find(second, records));
    print(options, context, lines, () => (lines.length > 0 ? lines : ['they are the same']));
  });

export const checkUpgrade = (
  named: string,
  upgrade: string,
  options: BundleOptions,
  context: PublisherContext,
): Promise<void> =>
  openRecords(options, context, async (records) => {
    const bundle = await find(named, records);
    const [component, version] = splitAt(upgrade);
    if (version === undefined) {
      throw new VedetteError('REQUEST_INVALID', `'${upgrade}' is no component@version`);
    }
    await withGateway(options, async (gateway) => {
      const roots = new Set(
        Object.entries(bundle.components)
          .filter(([, { isRequested }]) => isRequested)
          .map(([name]) => name),
      );
      const impact = await upgradeImpact(
        versionsOf(bundle),
        roots,
        { component, version },
        bundle.devices,
        new GatewayCatalog(gateway),
      );
      const { broken, changes, conflict } = impact;
      const json = { broken, changes: Object.fromEntries(changes), conflict };
      print(options, context, json, () => [
        ...broken.map((one) => `breaks: ${one}`),
        ...(broken.length === 0 ? [`nothing breaks with ${component} ${version}`] : []),
        ...[...changes].map(([name, { from, to }]) => `mends: ${changeText(name, from, to)}`),
        ...(conflict.length > 0 ? ['nothing mends it:', ...conflict.map((one) => `  ${one}`)] : []),
      ]);
    });
  });

export const exportCommand = (
  named: string,
  options: BundleOptions & { readonly output: string; readonly key: string },
  context: PublisherContext,
): Promise<void> =>
  openRecords(options, context, async (records) => {
    const bundle = await find(named, records);
    const privateKey = await readPem(options.key);
    const signal = context.interruption();
    await withGateway(options, async (gateway) => {
      const source = await openSource(options);
      try {
        await withScratchFolder(async (scratch) => {
          const written = await exportBundle(bundle, resolve(options.output), {
            gateway,
            source,
            privateKey,
            scratch,
            signal,
            onProgress: noteTo(options, context),
          });
          const file = options.output;
          print(options, context, { file, ...written }, () => [
            `${file}: ${written.byteLength} bytes, sha256 ${written.sha256}`,
          ]);
        });
      } finally {
        source.close();
      }
    });
  });

export const importCommand = (
  file: string,
  options: StateOptions & { readonly to: string; readonly trust: string },
  context: PublisherContext,
): Promise<void> =>
  openRecords(options, context, async ({ bundles }) => {
    const trusted = await readPem(options.trust);
    const folder = resolve(options.to);
    const signal = context.interruption();
    const bundle = await withScratchFolder((scratch) =>
      importBundle(file, {
        trusted,
        folder,
        gateway: new FolderGateway(folder),
        scratch,
        signal,
        onProgress: noteTo(options, context),
      }),
    );
    const isNew = await bundles.add(bundle);
    const merges = [...versionsOf(bundle)].map(([name, version]) => `--merge ${name}=${version}`);
    print(options, context, { bundle: bundleText(bundle), isNew, folder }, () => [
      `bundle ${bundleText(bundle)} is in ${folder}`,
      `deploy it on a device: greengrass-cli deployment create --recipeDir ${folder}/recipes --artifactDir ${folder}/artifacts ${merges.join(' ')}`,
    ]);
  });

async function find(named: string, { bundles }: PublisherRecords): Promise<Bundle> {
  const [name, version] = splitAt(named);
  return (await bundles.get(name, version)).bundle;
}

function splitAt(text: string): [name: string, version: string | undefined] {
  const at = text.lastIndexOf('@');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `the key cannot be read: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

async function withGateway(
  options: PlaceOptions,
  action: (gateway: ComponentGateway) => Promise<void>,
): Promise<void> {
  const gateway = await openGateway(options);
  try {
    await action(gateway);
  } finally {
    gateway.close();
  }
}

const noteTo =
  ({ json }: StateOptions, { stderr }: PublisherContext) =>
  (text: string): void => {
    if (!json) stderr.write(`  ${text}\n`);
  };

function print(
  { json }: StateOptions,
  { stdout }: PublisherContext,
  value: unknown,
  lines: () => readonly string[],
): void {
  stdout.write(
    json
      ? `${JSON.stringify(value, undefined, 2)}\n`
      : lines()
          .map((line) => `${line}\n`)
          .join(''),
  );
}

const componentLines = ({ components }: Bundle): string[] =>
  Object.entries(components).map(
    ([name, { version, isRequested, merge }]) =>
      `  ${name} ${version}${isRequested ? '' : ' (depended on)'}${merge === undefined ? '' : `, configuration ${JSON.stringify(merge)}`}`,
  );

function reportLines({ problems, notes, scores, permissions }: BundleReport): string[] {
  return [
    ...(problems.length === 0 ? ['no problems'] : []),
    ...notes.map((note) => `note: ${note}`),
    ...scores.flatMap(({ device, score, reasons }) => [
      `${device}: ${score} of 100`,
      ...reasons.map((reason) => `  ${reason}`),
    ]),
    ...permissions.map(
      (statement) => `the role of the devices needs: ${JSON.stringify(statement)}`,
    ),
  ];
}

function changeText(name: string, from: string | undefined, to: string | undefined): string {
  if (from === undefined) return `${name} ${to} comes`;
  return to === undefined ? `${name} ${from} goes` : `${name} ${from} → ${to}`;
}
