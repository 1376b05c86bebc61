import { VedetteError } from '../../component/contract/errors.ts';
import type { ComponentCatalog } from '../compatibility/component-catalog.ts';
import { demandsOf } from '../compatibility/device-limits.ts';
import type { DeviceFacts } from '../compatibility/device-facts.ts';
import { GatewayCatalog } from '../compatibility/gateway-catalog.ts';
import { reasonsAgainst, scoreDevice } from '../compatibility/score-device.ts';
import type { DeviceScore } from '../compatibility/score-device.ts';
import { simulateNucleus } from '../compatibility/simulate-nucleus.ts';
import { isInRange } from '../compatibility/version-range.ts';
import { applyComponentSet } from '../deployment/apply-component-set.ts';
import { MAX_DOCUMENT_BYTES, documentBytes } from '../deployment/document-limits.ts';
import type { ComponentArtifact, ComponentGateway } from '../greengrass/component-gateway.ts';
import { RUNTIME_COMPONENT } from '../recipe/model-release.ts';
import { KIND_TAG, needsOfTags } from '../recipe/needs-tags.ts';
import { readRecipe } from '../recipe/read-recipe.ts';
import { MAX_ARTIFACT_BYTES, MAX_RECIPE_BYTES } from '../recipe/recipe-schema.ts';
import { componentSetOf, versionsOf } from './bundle-schema.ts';
import type { Bundle, LockedComponent } from './bundle-schema.ts';
import { checkRuntimeConfiguration } from './check-configuration.ts';
import { devicePermissions } from './device-permissions.ts';
import type { PolicyStatement } from './device-permissions.ts';
import { differences, digestsOf } from './lock-component.ts';

export interface BundleReport {
  /** Every one of them; none for a bundle that can be deployed. */
  readonly problems: readonly string[];
  /** What is worth knowing and stands in nobody's way. */
  readonly notes: readonly string[];
  readonly scores: readonly DeviceScore[];
  /** What the devices' role must be allowed. */
  readonly permissions: readonly PolicyStatement[];
}

/** Names of components that nucleus lite holds in its life. */
const MAX_LITE_COMPONENTS = 50;

interface Findings {
  readonly problems: string[];
  readonly notes: string[];
  readonly artifacts: ComponentArtifact[];
  /** Of the components' ARNs; a folder has none. */
  partition: string;
}

/**
 * A bundle as a whole against what there is now: every problem at once.
 * @throws VedetteError of a gateway that does not answer; what is missing is a problem, not an error
 */
export async function validateBundle(
  bundle: Bundle,
  gateway: ComponentGateway,
  catalog: ComponentCatalog = new GatewayCatalog(gateway),
): Promise<BundleReport> {
  const findings: Findings = { problems: [], notes: [], artifacts: [], partition: 'aws' };
  const present = new Map<string, string>();
  for (const [name, locked] of Object.entries(bundle.components)) {
    if (await checkComponent(name, locked, gateway, findings)) present.set(name, locked.version);
  }
  checkDocument(bundle, findings);
  const isWhole = present.size === Object.keys(bundle.components).length;
  await checkDependencies(present, versionsOf(bundle), catalog, bundle.devices, findings);
  const scores: DeviceScore[] = [];
  for (const device of bundle.devices) {
    if (!isWhole) break;
    await checkDevice(bundle, device, catalog, findings);
    scores.push(await scoreDevice(present, device, catalog));
  }
  const { problems, notes, artifacts, partition } = findings;
  return { problems, notes, scores, permissions: devicePermissions(artifacts, partition) };
}

/** @returns whether the component can be looked at further */
async function checkComponent(
  name: string,
  locked: LockedComponent,
  gateway: ComponentGateway,
  findings: Findings,
): Promise<boolean> {
  const { problems, notes, artifacts } = findings;
  const what = `${name} ${locked.version}`;
  const found = await gateway.find(name, locked.version);
  if (!found) {
    problems.push(`${what}: there is no such version in ${gateway.description}`);
    return false;
  }
  findings.partition = /^arn:([^:]+):/.exec(found.arn)?.[1] ?? findings.partition;
  if (found.state !== 'DEPLOYABLE') problems.push(`${what}: it is ${found.state}`);
  try {
    const { recipe, tags } = await gateway.details(name, locked.version);
    const read = readRecipe(recipe, what);
    const bytes = Buffer.byteLength(JSON.stringify(recipe));
    if (bytes > MAX_RECIPE_BYTES) {
      problems.push(
        `${what}: its recipe has ${bytes} bytes, at most ${MAX_RECIPE_BYTES} are taken`,
      );
    }
    if (read.component !== name || read.version !== locked.version) {
      problems.push(`${what}: its recipe is of ${read.component} ${read.version}`);
    }
    const digests = await digestsOf(name, locked.version, gateway);
    problems.push(...differences(locked, digests).map((one) => `${what}: ${one}`));
    artifacts.push(...(await gateway.artifacts(name, locked.version)));
    checkSettings(name, locked, tags, read.defaultConfiguration, { problems, notes });
    return true;
  } catch (error) {
    if (!(error instanceof VedetteError) || error.retryable) throw error;
    if (error.code.startsWith('AWS_')) throw error;
    problems.push(`${what}: ${error.message}`);
    return false;
  }
}

function checkSettings(
  name: string,
  { version, merge }: LockedComponent,
  tags: Readonly<Record<string, string>>,
  defaults: Readonly<Record<string, unknown>> | undefined,
  { problems, notes }: Pick<Findings, 'problems' | 'notes'>,
): void {
  const bytes = Object.values(needsOfTags(tags).artifactBytes ?? {});
  if (bytes.some((one) => one > MAX_ARTIFACT_BYTES)) {
    problems.push(`${name} ${version}: its artifacts are larger than ${MAX_ARTIFACT_BYTES} bytes`);
  }
  if (merge === undefined) return;
  if (name === RUNTIME_COMPONENT || tags[KIND_TAG] === 'edge-runtime') {
    const checked = checkRuntimeConfiguration(merge);
    problems.push(...checked.problems.map((one) => `${name} configuration: ${one}`));
    notes.push(...checked.notes.map((one) => `${name} configuration: ${one}`));
  } else if (defaults === undefined) {
    notes.push(`${name} configuration: the recipe has none, so it may not be looked at`);
  } else {
    const unknown = Object.keys(merge).filter((key) => !(key in defaults));
    notes.push(
      ...unknown.map((key) => `${name} configuration: '${key}' is not among the recipe's defaults`),
    );
  }
}

async function checkDependencies(
  present: ReadonlyMap<string, string>,
  all: ReadonlyMap<string, string>,
  catalog: ComponentCatalog,
  devices: readonly DeviceFacts[],
  { problems }: Findings,
): Promise<void> {
  const { isProvided = () => false } = demandsOf(devices, catalog);
  for (const [name, version] of present) {
    const { dependencies } = await catalog.facts(name, version);
    for (const [dependency, { range }] of dependencies) {
      const locked = all.get(dependency);
      if (locked === undefined && isProvided(dependency)) continue;
      if (locked === undefined) {
        problems.push(`${name} ${version}: depends on ${dependency} ${range}, which is not in it`);
      } else if (!isInRange(locked, range)) {
        problems.push(
          `${name} ${version}: depends on ${dependency} ${range}, and ${locked} is in it`,
        );
      }
    }
  }
}

async function checkDevice(
  bundle: Bundle,
  device: DeviceFacts,
  catalog: ComponentCatalog,
  { problems }: Findings,
): Promise<void> {
  const versions = versionsOf(bundle);
  const against = await reasonsAgainst(versions, device, catalog);
  problems.push(...against.map((reason) => `on ${device.name}: ${reason}`));
  if (device.nucleus === 'lite' && versions.size > MAX_LITE_COMPONENTS) {
    problems.push(
      `on ${device.name}: ${versions.size} components, and nucleus lite holds ${MAX_LITE_COMPONENTS}`,
    );
  }
  if (against.length > 0) return;
  const simulation = await simulateNucleus({ roots: versions }, device, catalog);
  if (!simulation.isResolved) return;
  for (const [name, version] of simulation.versions) {
    const locked = versions.get(name);
    if (locked === version) continue;
    problems.push(`on ${device.name}: ${name} ${version} would run, locked is ${locked ?? 'none'}`);
  }
}

/** What a plan for a target that has nothing yet would send. */
function checkDocument(bundle: Bundle, { problems, notes }: Findings): void {
  const bytes = documentBytes({
    components: applyComponentSet({}, componentSetOf(bundle)).components,
  });
  const { thing, thinggroup } = MAX_DOCUMENT_BYTES;
  if (bytes > thinggroup) {
    problems.push(
      `a deployment of it takes about ${bytes} bytes, and Greengrass takes ${thinggroup} for a group`,
    );
  } else if (bytes > thing) {
    notes.push(
      `a deployment of it takes about ${bytes} bytes: it can go to a group, not to a single thing (${thing})`,
    );
  }
}
