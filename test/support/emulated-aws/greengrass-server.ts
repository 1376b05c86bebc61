import { createHash } from 'node:crypto';
import type { EmulatedKeys } from './credentials.ts';
import { DEPLOYMENT_OPERATIONS, DeploymentOperations } from './deployment-operations.ts';
import { EmulatedFleet } from './emulated-fleet.ts';
import type { EmulatedVersion } from './emulated-version.ts';
import { artifactsOf, recipeFault } from './greengrass-recipe.ts';
import { LoopbackServer } from './loopback-server.ts';
import type { EmulatedAnswer, EmulatedRequest } from './loopback-server.ts';
import { absent, conflict, fault, invalid, json, page, refusal } from './rest-json.ts';
import type { EmulatedS3 } from './s3-server.ts';
import { ACCOUNT_ID } from './sts-server.ts';

const PREFIX = '/greengrass/v2/';
const OPERATIONS: readonly [method: string, path: RegExp, operation: string][] = [
  ['POST', /^createComponentVersion$/, 'CreateComponentVersion'],
  ['GET', /^components\/(.+)\/metadata$/, 'DescribeComponent'],
  ['GET', /^components\/(.+)\/versions$/, 'ListComponentVersions'],
  ['GET', /^components\/(.+)$/, 'GetComponent'],
  ['DELETE', /^components\/(.+)$/, 'DeleteComponent'],
  ['GET', /^components$/, 'ListComponents'],
  ['GET', /^\/tags\/(.+)$/, 'ListTagsForResource'],
  ...DEPLOYMENT_OPERATIONS,
];

/**
 * The component part of Greengrass V2's control plane, in restJson1: states that advance while they
 * are looked at, artifacts really read from the emulated S3, conflicts, client tokens, throttling,
 * paging, quotas, validation.
 */
export class EmulatedGreengrass extends LoopbackServer {
  readonly versions = new Map<string, EmulatedVersion>();
  /** CreateComponentVersion calls a second; AWS takes 1. */
  createsPerSecond = 1000;
  maxComponents = 5000;
  /** Looks at REQUESTED and INITIATED before the next state. */
  looksPerState = 1;
  /** Versions never leave REQUESTED. */
  isStuck = false;
  readonly region: string;
  readonly fleet: EmulatedFleet;
  readonly deployments: DeploymentOperations;
  readonly #keys: EmulatedKeys;
  readonly #s3: EmulatedS3;
  readonly #tokens = new Map<string, { readonly arn: string; readonly body: string }>();
  #createdAtMs: number[] = [];

  constructor(keys: EmulatedKeys, s3: EmulatedS3, region: string) {
    super();
    this.#keys = keys;
    this.#s3 = s3;
    this.region = region;
    this.fleet = new EmulatedFleet(region, this.versions, s3);
    this.deployments = new DeploymentOperations(
      this.fleet,
      (component, version) =>
        component.startsWith('aws.greengrass.') ||
        this.versions.has(this.arnOf(component, version)),
    );
  }

  reset(): void {
    this.versions.clear();
    this.fleet.reset();
    this.deployments.reset();
    this.#tokens.clear();
    this.#createdAtMs = [];
    this.createsPerSecond = 1000;
    this.maxComponents = 5000;
    this.isStuck = false;
  }

  /** So many deployable components `c0`, `c1`, … */
  fill(count: number): void {
    for (let index = 0; index < count; index += 1) {
      const [name, version] = [`c${index}`, '1.0.0'];
      const arn = this.arnOf(name, version);
      this.versions.set(arn, {
        ...{ arn, name, version, tags: {}, createdAtSeconds: 0 },
        ...{ state: 'DEPLOYABLE', message: 'NONE', errors: {}, looksLeft: 0 },
        recipe: {
          RecipeFormatVersion: '2020-01-25',
          ComponentName: name,
          ComponentVersion: version,
          Manifests: [{ Platform: { os: 'linux' }, Lifecycle: { run: 'true' }, Artifacts: [] }],
        },
      });
    }
  }

  arnOf(component: string, version: string): string {
    return `arn:aws:greengrass:${this.region}:${ACCOUNT_ID}:components:${component}:versions:${version}`;
  }

  protected operationOf({ method, path }: EmulatedRequest): string {
    const rest = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : path;
    const found = OPERATIONS.find(([verb, pattern]) => verb === method && pattern.test(rest));
    return `greengrass:${found?.[2] ?? 'Unknown'}`;
  }

  protected handle(request: EmulatedRequest): EmulatedAnswer {
    const refused = refusal(request, this.#keys, this.region);
    if (refused) return refused;
    const arn = /(arn:[^/]+)/.exec(request.path)?.[1] ?? '';
    switch (request.operation) {
      case 'greengrass:CreateComponentVersion':
        return this.#create(request);
      case 'greengrass:DescribeComponent':
        return this.#describe(arn);
      case 'greengrass:GetComponent':
        return this.#get(arn);
      case 'greengrass:DeleteComponent':
        return this.versions.delete(arn) ? { status: 204 } : absent(arn);
      case 'greengrass:ListComponents':
        return this.#list(request.query);
      case 'greengrass:ListComponentVersions':
        return this.#listVersions(arn, request.query);
      case 'greengrass:ListTagsForResource': {
        const found = this.versions.get(arn);
        return found ? json(200, { tags: found.tags }) : absent(arn);
      }
      default:
        return (
          this.deployments.handle(request) ?? fault(404, 'UnknownOperationException', request.path)
        );
    }
  }

  #create({ body }: EmulatedRequest): EmulatedAnswer {
    const input = JSON.parse(body.toString()) as {
      inlineRecipe?: string;
      tags?: Record<string, string>;
      clientToken?: string;
    };
    const { tags = {}, clientToken } = input;
    const isToken = clientToken === undefined || /^[a-zA-Z0-9-]{1,64}$/.test(clientToken);
    if (!isToken) return invalid('clientToken is invalid');
    if (this.#isThrottled()) return fault(429, 'ThrottlingException', 'Rate exceeded');
    if (input.inlineRecipe === undefined) return invalid('Provide inlineRecipe or lambdaFunction');
    const text = Buffer.from(input.inlineRecipe, 'base64').toString('utf8');
    const wrong = recipeFault(text);
    if (wrong !== undefined) return invalid(wrong);
    const isTagged = Object.entries(tags).every(
      ([key, value]) =>
        /^(?!aws:)[\w\s.:/=+@-]{1,128}$/.test(key) && /^[\w\s.:/=+@()-]{0,256}$/.test(value),
    );
    if (!isTagged || Object.keys(tags).length > 200) return invalid('tags are invalid');
    const recipe = JSON.parse(text) as Record<string, unknown>;
    const [name, version] = [String(recipe['ComponentName']), String(recipe['ComponentVersion'])];
    const arn = this.arnOf(name, version);
    const earlier = clientToken === undefined ? undefined : this.#tokens.get(clientToken);
    if (earlier) {
      const same = this.versions.get(earlier.arn);
      if (earlier.body === body.toString() && same) return json(201, created(same));
      return conflict(arn, 'The client token was used for another request');
    }
    if (this.versions.has(arn))
      return conflict(arn, `Component [${name} : ${version}] already exists`);
    const names = new Set([...this.versions.values()].map((one) => one.name));
    if (names.size >= this.maxComponents && !names.has(name)) {
      return fault(402, 'ServiceQuotaExceededException', 'Too many components in this region');
    }
    const made: EmulatedVersion = {
      arn,
      name,
      version,
      recipe,
      tags,
      createdAtSeconds: Date.now() / 1000,
      state: 'REQUESTED',
      message: 'NONE',
      errors: {},
      looksLeft: this.looksPerState,
    };
    this.versions.set(arn, made);
    if (clientToken !== undefined) this.#tokens.set(clientToken, { arn, body: body.toString() });
    return json(201, created(made));
  }

  #isThrottled(): boolean {
    const now = Date.now();
    this.#createdAtMs = this.#createdAtMs.filter((at) => now - at < 1000);
    if (this.#createdAtMs.length >= this.createsPerSecond) return true;
    this.#createdAtMs.push(now);
    return false;
  }

  #describe(arn: string): EmulatedAnswer {
    const found = this.versions.get(arn);
    if (!found) return absent(arn);
    this.#advance(found);
    const { name, version, tags, recipe, createdAtSeconds } = found;
    return json(200, {
      arn,
      componentName: name,
      componentVersion: version,
      creationTimestamp: createdAtSeconds,
      publisher: recipe['ComponentPublisher'],
      description: recipe['ComponentDescription'],
      status: statusOf(found),
      platforms: [],
      tags,
    });
  }

  #advance(found: EmulatedVersion): void {
    if (this.isStuck || (found.state !== 'REQUESTED' && found.state !== 'INITIATED')) return;
    if (found.looksLeft > 0) {
      found.looksLeft -= 1;
      return;
    }
    found.looksLeft = this.looksPerState;
    if (found.state === 'REQUESTED') {
      found.state = 'INITIATED';
      return;
    }
    for (const artifact of artifactsOf(found.recipe)) {
      const object = this.#s3.objects.get(artifact.Uri.replace('s3://', ''));
      if (!object) {
        found.errors[artifact.Uri] = 'Specified artifact resource cannot be accessed (403)';
        continue;
      }
      artifact.Digest = createHash('sha256').update(object.data).digest('base64');
      artifact.Algorithm = 'SHA-256';
    }
    const isFine = Object.keys(found.errors).length === 0;
    found.state = isFine ? 'DEPLOYABLE' : 'FAILED';
    if (!isFine) found.message = 'The component has artifact errors';
  }

  #get(arn: string): EmulatedAnswer {
    const found = this.versions.get(arn);
    if (!found) return absent(arn);
    const recipe = Buffer.from(JSON.stringify(found.recipe)).toString('base64');
    return json(200, { recipeOutputFormat: 'JSON', recipe, tags: found.tags });
  }

  #list(query: URLSearchParams): EmulatedAnswer {
    const latest = new Map<string, EmulatedVersion>();
    for (const one of this.versions.values()) latest.set(one.name, one);
    const all = [...latest.values()].map(({ arn, name, version, createdAtSeconds }) => ({
      arn: arn.split(':versions:')[0],
      componentName: name,
      latestVersion: { arn, componentVersion: version, creationTimestamp: createdAtSeconds },
    }));
    return page('components', all, query);
  }

  #listVersions(arn: string, query: URLSearchParams): EmulatedAnswer {
    const all = [...this.versions.values()]
      .filter((one) => one.arn.startsWith(`${arn}:versions:`))
      .toReversed()
      .map((one) => ({ componentName: one.name, componentVersion: one.version, arn: one.arn }));
    return all.length === 0 ? absent(arn) : page('componentVersions', all, query);
  }
}

const statusOf = ({ state, message, errors }: EmulatedVersion) => ({
  componentState: state,
  message,
  errors,
  vendorGuidance: 'ACTIVE',
});

const created = (found: EmulatedVersion) => ({
  arn: found.arn,
  componentName: found.name,
  componentVersion: found.version,
  creationTimestamp: found.createdAtSeconds,
  status: statusOf(found),
});
