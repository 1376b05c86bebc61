import {
  AddThingToThingGroupCommand,
  CreateThingGroupCommand,
  DeleteThingGroupCommand,
  IoTClient,
  paginateListJobExecutionsForJob,
} from '@aws-sdk/client-iot';
import type { CredentialSource } from '../aws/credential-source.ts';
import { callAws, clientSettings, unlessAbsent } from '../aws/call-aws.ts';

/** How far a deployment is on a device; other words of AWS IoT are kept as they come. */
export type ExecutionStatus =
  | 'QUEUED'
  | 'IN_PROGRESS'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'TIMED_OUT'
  | 'REJECTED'
  | 'REMOVED'
  | 'CANCELED';

/** What a device made of a deployment so far. */
export interface DeviceExecution {
  /** An `ExecutionStatus`, or another word of AWS. */
  readonly status: string;
  /** Whether the device has begun with it. */
  readonly isBegun: boolean;
}

/** Of these alone the status says that a device has not begun. */
const NOT_BEGUN: ReadonlySet<string> = new Set<ExecutionStatus>(['QUEUED', 'CANCELED']);

/** @param startedAt when the device began, where that is known */
export const deviceExecution = (status: string, startedAt?: Date): DeviceExecution => ({
  status,
  isBegun: startedAt !== undefined || !NOT_BEGUN.has(status),
});

const PAGE_SIZE = 250;

/** @param region AWS_REGION or the profile's when absent */
export const openIot = (region: string | undefined, credentials?: CredentialSource): IoTClient =>
  new IoTClient(clientSettings(region, credentials));

function unlessThere(error: unknown): undefined {
  if ((error as { name?: unknown }).name === 'ResourceAlreadyExistsException') return undefined;
  throw error;
}

/** Groups of things that waves go to, and the jobs that take deployments there. */
export class ThingGroups {
  readonly #client: IoTClient;
  readonly #accountArn: string;

  /** @param accountArn `arn:<partition>:iot:<region>:<account>` */
  constructor(client: IoTClient, accountArn: string) {
    this.#client = client;
    this.#accountArn = accountArn;
  }

  arnOf = (group: string): string => `${this.#accountArn}:thinggroup/${group}`;

  /** The same group again is no error. */
  async create(group: string, tags: Readonly<Record<string, string>>): Promise<void> {
    await callAws('iot:CreateThingGroup', this.arnOf(group), () =>
      this.#client
        .send(
          new CreateThingGroupCommand({
            thingGroupName: group,
            tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
          }),
        )
        .catch(unlessThere),
    );
  }

  async add(group: string, thing: string): Promise<void> {
    await callAws('iot:AddThingToThingGroup', this.arnOf(group), () =>
      this.#client.send(
        new AddThingToThingGroupCommand({ thingGroupName: group, thingName: thing }),
      ),
    );
  }

  async remove(group: string): Promise<void> {
    await callAws('iot:DeleteThingGroup', this.arnOf(group), () =>
      this.#client.send(new DeleteThingGroupCommand({ thingGroupName: group })).catch(unlessAbsent),
    );
  }

  /** How far a group's deployment is, by thing; on none when its job is deleted. */
  executions(jobId: string): Promise<Map<string, DeviceExecution>> {
    const resource = `${this.#accountArn}:job/${jobId}`;
    return callAws('iot:ListJobExecutionsForJob', resource, async () => {
      const found = new Map<string, DeviceExecution>();
      const pages = paginateListJobExecutionsForJob(
        { client: this.#client, pageSize: PAGE_SIZE },
        { jobId },
      );
      try {
        for await (const { executionSummaries = [] } of pages) {
          for (const { thingArn = '', jobExecutionSummary } of executionSummaries) {
            const thing = thingArn.slice(thingArn.indexOf('/') + 1);
            const { status = 'QUEUED', startedAt } = jobExecutionSummary ?? {};
            found.set(thing, deviceExecution(status, startedAt));
          }
        }
      } catch (error) {
        unlessAbsent(error);
      }
      return found;
    });
  }

  close(): void {
    this.#client.destroy();
  }
}
