import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceHealthSchema } from '../../component/contract/device-health.ts';
import type { DeviceHealth } from '../../component/contract/device-health.ts';
import type { EmulatedDevice } from './emulated-aws/emulated-device.ts';
import type { DeployedComponent } from './emulated-aws/emulated-deployment.ts';
import { BUCKET, EmulatedAws } from './emulated-aws/emulated-aws.ts';

export const MODEL = 'io.vedette.model.caps';
export const RUNTIME = 'io.vedette.EdgeRuntime';
export const FOREIGN = 'com.example.LogShipper';
export const LINE = 'thinggroup/line-7';

/** Figures of a device's last minute; those of a healthy one when left out. */
export interface HealthFigures {
  readonly isReady?: boolean;
  readonly results?: number;
  readonly errors?: number;
  readonly latencyP95Ms?: number;
  readonly pass?: number;
  readonly fail?: number;
  readonly freeDiskBytes?: number;
  /** When a configuration was refused. */
  readonly refusedAtMs?: number;
}

/** A report as the runtime writes it into the shadow `vedette`. */
export function healthReport(
  device: EmulatedDevice,
  nowMs: number,
  {
    isReady = true,
    results = 600,
    errors = 0,
    latencyP95Ms = 40,
    pass = 580,
    fail = 20,
    freeDiskBytes = 8e9,
    refusedAtMs,
  }: HealthFigures = {},
): DeviceHealth {
  const at = new Date(nowMs).toISOString();
  return deviceHealthSchema.parse({
    schemaVersion: 1,
    thing: device.name,
    availability: 'online',
    at,
    nextWithinSeconds: 120,
    sequence: 1,
    version: device.installed.get(RUNTIME)?.version ?? '1.0.0',
    startedAt: at,
    isReady,
    holds: [],
    configuration: {
      hash: 'a',
      inForceSince: at,
      ...(refusedAtMs === undefined
        ? {}
        : {
            refusal: {
              at: new Date(refusedAtMs).toISOString(),
              code: 'CONFIG_INVALID',
              message: 'models.caps is no model',
            },
          }),
    },
    refused: {},
    models: { caps: { state: 'ready', package: 'caps@1.0.0', queue: 0 } },
    modelsOmitted: 0,
    cameras: {
      belt: {
        state: 'running',
        isEnabled: true,
        captureMode: 'rules',
        restarts: 0,
        figures: {
          results,
          ...{ pass, fail, review: 0, error: errors },
          errorRate: results === 0 ? 0 : errors / results,
          framesPerSecond: 10,
          p50Ms: latencyP95Ms / 2,
          p95Ms: latencyP95Ms,
        },
      },
    },
    camerasOmitted: 0,
    figuresSeconds: 0,
    disk: { freeBytes: freeDiskBytes },
    memory: { residentBytes: 3e8 },
  });
}

/** An account with components and a line of devices that run the first of them. */
export class DeploymentScene {
  readonly aws: EmulatedAws;
  readonly folder: string;
  state = '';
  #files = 0;

  private constructor(aws: EmulatedAws, folder: string) {
    this.aws = aws;
    this.folder = folder;
  }

  static async open(): Promise<DeploymentScene> {
    const folder = await mkdtemp(join(tmpdir(), 'vedette-fleet-'));
    const scene = new DeploymentScene(await EmulatedAws.start(), folder);
    scene.clear();
    return scene;
  }

  async close(): Promise<void> {
    await this.aws.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** As before the first test: nothing deployed, no devices, no records. */
  clear(): void {
    this.aws.reset();
    this.state = join(this.folder, `state-${randomUUID()}`);
    for (const version of ['1.0.0', '2.0.0']) this.publish(MODEL, version);
    this.publish(RUNTIME, '1.0.0', { configuration: { log: { level: 'info' } } });
    this.publish(FOREIGN, '3.1.0');
  }

  /** A component version that is deployable, with one artifact. */
  publish(
    name: string,
    version: string,
    {
      bytes = 1000,
      configuration,
      dependencies,
    }: {
      bytes?: number;
      configuration?: object;
      /** Version requirements by component. */
      dependencies?: Readonly<Record<string, string>>;
    } = {},
  ): void {
    const { greengrass, s3 } = this.aws;
    const data = Buffer.alloc(bytes, `${name} ${version} `);
    const key = `${BUCKET}/components/${name}/${version}/artifact.zip`;
    s3.objects.set(key, {
      data,
      etag: '"0"',
      checksums: {},
      checksumType: 'FULL_OBJECT',
      headers: {},
    });
    const Digest = createHash('sha256').update(data).digest('base64');
    const arn = greengrass.arnOf(name, version);
    greengrass.versions.set(arn, {
      arn,
      name,
      version,
      recipe: {
        RecipeFormatVersion: '2020-01-25',
        ComponentName: name,
        ComponentVersion: version,
        ...(configuration
          ? { ComponentConfiguration: { DefaultConfiguration: configuration } }
          : {}),
        ...(dependencies
          ? {
              ComponentDependencies: Object.fromEntries(
                Object.entries(dependencies).map(([component, VersionRequirement]) => [
                  component,
                  { VersionRequirement, DependencyType: 'HARD' },
                ]),
              ),
            }
          : {}),
        Manifests: [
          {
            Platform: { os: 'linux', runtime: '*' },
            Artifacts: [{ Uri: `s3://${key}`, Digest, Algorithm: 'SHA-256' }],
          },
        ],
      },
      tags: {},
      createdAtSeconds: Date.now() / 1000,
      state: 'DEPLOYABLE',
      message: 'NONE',
      errors: {},
      looksLeft: 0,
    });
  }

  /** Devices in a group, with what the group had deployed to it before. */
  line(
    count: number,
    components: Readonly<Record<string, DeployedComponent>> = BEFORE,
    group = 'line-7',
  ): EmulatedDevice[] {
    const { fleet } = this.aws;
    const devices = Array.from({ length: count }, (_, index) => {
      const device = fleet.add(`${group}-station-${index + 1}`, [group]);
      device.report = healthReport;
      return device;
    });
    const deployment = this.deploy(`thinggroup/${group}`, components, 'before');
    for (let round = 0; round < 3; round += 1) fleet.advance(deployment);
    return devices;
  }

  /** By somebody else. */
  deploy(target: string, components: Readonly<Record<string, DeployedComponent>>, name = 'theirs') {
    const { fleet } = this.aws;
    const targetArn = fleet.arnOf(target);
    const deployment = {
      deploymentId: randomUUID(),
      deploymentName: name,
      targetArn,
      components,
      revision: 1,
      createdAtSeconds: Date.now() / 1000,
      request: {},
      status: 'ACTIVE' as const,
      isLatest: true,
    };
    fleet.put(deployment);
    return deployment;
  }

  async file(content: object): Promise<string> {
    this.#files += 1;
    const path = join(this.folder, `deployment-${this.#files}.yaml`);
    await writeFile(path, JSON.stringify(content));
    return path;
  }

  /** What publisher's processes get to reach this account and these records. */
  arguments(...args: readonly string[]): string[] {
    return [...args, '--state', this.state, '--json'];
  }

  versionsOf(component: string): Record<string, number> {
    const found: Record<string, number> = {};
    for (const { installed } of this.aws.fleet.devices.values()) {
      const version = installed.get(component)?.version ?? 'none';
      found[version] = (found[version] ?? 0) + 1;
    }
    return found;
  }

  /** Deployments that a roll-out made, oldest first, as `<target> <name without its id>`. */
  made(): string[] {
    return this.aws.fleet.deployments.flatMap(({ deploymentName = '', targetArn }) => {
      const [, title] = /^(.*) \[vedette \w+\.\d+\]$/.exec(deploymentName) ?? [];
      return title === undefined
        ? []
        : `${targetArn.split('/')[1]!.replace(/-[0-9a-f]{8}-/, '-ID-')} ${title}`;
    });
  }
}

/** The model in its first version, the runtime with configuration, and what is not ours. */
export const BEFORE: Readonly<Record<string, DeployedComponent>> = {
  [MODEL]: { componentVersion: '1.0.0' },
  [RUNTIME]: {
    componentVersion: '1.0.0',
    configurationUpdate: { merge: JSON.stringify({ log: { level: 'warn' } }) },
  },
  [FOREIGN]: {
    componentVersion: '3.1.0',
    configurationUpdate: { merge: '{"bucket":"logs"}', reset: ['/old'] },
  },
};
