import { z } from 'zod';
import { componentSetSchema } from './component-set.ts';
import { healthGatesSchema } from './health-gates.ts';
import { TARGET_PATTERN } from './target-arn.ts';

const targetSchema = z
  .string()
  .regex(TARGET_PATTERN, 'expected thinggroup/<name>, thing/<name> or the ARN of one');
const groupNameSchema = z.string().regex(/^[a-zA-Z0-9:_-]{1,128}$/, 'expected a thing group');

const timing = {
  /** How long it is watched after its devices have the deployment. */
  soakMinutes: z.number().min(0).max(20_160).optional(),
  /** How long its devices may take to get it. */
  deviceTimeoutMinutes: z.number().positive().max(20_160).optional(),
};

/** One of `group`, `percent`: devices of the target; or `target`: one with a component set of its own. */
const waveSchema = z
  .strictObject({
    group: groupNameSchema.optional(),
    percent: z.number().positive().max(99).optional(),
    target: targetSchema.optional(),
    ...timing,
  })
  .refine(
    ({ group, percent, target }) =>
      [group, percent, target].filter((one) => one !== undefined).length === 1,
    'expected one of group, percent and target',
  );

const perMinute = z.int().min(1).max(1000);

/** Words and ranges of CreateDeployment. */
const deploymentPoliciesSchema = z.strictObject({
  failureHandlingPolicy: z.enum(['ROLLBACK', 'DO_NOTHING']).optional(),
  componentUpdatePolicy: z
    .strictObject({
      action: z.enum(['NOTIFY_COMPONENTS', 'SKIP_NOTIFY_COMPONENTS']).optional(),
      timeoutInSeconds: z.int().min(1).optional(),
    })
    .optional(),
  configurationValidationPolicy: z
    .strictObject({ timeoutInSeconds: z.int().min(1).optional() })
    .optional(),
});

const iotJobConfigurationSchema = z.strictObject({
  jobExecutionsRolloutConfig: z
    .strictObject({
      maximumPerMinute: perMinute.optional(),
      exponentialRate: z
        .strictObject({
          baseRatePerMinute: perMinute,
          incrementFactor: z.number().min(1).max(5).multipleOf(0.1),
          rateIncreaseCriteria: z
            .strictObject({
              numberOfNotifiedThings: z.int().min(1).optional(),
              numberOfSucceededThings: z.int().min(1).optional(),
            })
            .refine(
              (one) => Object.keys(one).length === 1,
              'expected numberOfNotifiedThings or numberOfSucceededThings',
            ),
        })
        .optional(),
    })
    .optional(),
  abortConfig: z
    .strictObject({
      criteriaList: z
        .array(
          z.strictObject({
            failureType: z.enum(['FAILED', 'REJECTED', 'TIMED_OUT', 'ALL']),
            action: z.literal('CANCEL').default('CANCEL'),
            thresholdPercentage: z.number().positive().max(100).multipleOf(0.01),
            minNumberOfExecutedThings: z.int().min(1),
          }),
        )
        .min(1),
    })
    .optional(),
  timeoutConfig: z
    .strictObject({ inProgressTimeoutInMinutes: z.int().min(1).max(10_080) })
    .optional(),
});

/** What `vedette deploy plan` reads. */
export const deploymentFileSchema = z
  .strictObject({
    name: z.string().min(1).max(100),
    target: targetSchema.optional(),
    /** `name@version`, or its newest: what it locks, and `components` beside or in place of that. */
    bundle: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{0,63}(@[^@\s]+)?$/, 'expected <name> or <name>@<version>')
      .optional(),
    components: componentSetSchema.default({}),
    /** Components of the target that are to go. All others that it does not name stay. */
    remove: z.array(z.string().min(1)).default([]),
    waves: z.array(waveSchema).max(50).default([]),
    soakMinutes: timing.soakMinutes.unwrap().default(30),
    deviceTimeoutMinutes: timing.deviceTimeoutMinutes.unwrap().default(60),
    gates: healthGatesSchema.prefault({}),
    deploymentPolicies: deploymentPoliciesSchema.optional(),
    iotJobConfiguration: iotJobConfigurationSchema.optional(),
  })
  .superRefine((file, context) => {
    const problem = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    const names = Object.keys(file.components);
    if (names.length + file.remove.length === 0 && file.bundle === undefined)
      problem(['components'], 'names no component; there is no bundle, and remove names none');
    for (const [index, name] of file.remove.entries()) {
      if (names.includes(name)) problem(['remove', index], `${name} is among components too`);
    }
    const last = file.waves.at(-1);
    if (file.target === undefined && last?.target === undefined)
      problem(['target'], 'is missing, and the last wave has none of its own');
    const isGroup = file.target?.includes('thinggroup/') === true;
    let percent = 0;
    for (const [index, wave] of file.waves.entries()) {
      const isPart = wave.group !== undefined || wave.percent !== undefined;
      if (isPart && !isGroup)
        problem(['waves', index], 'is a part of the target, which is no thing group');
      if (wave.percent === undefined) continue;
      if (wave.percent <= percent)
        problem(['waves', index, 'percent'], `is not more than the ${percent} of the wave before`);
      percent = wave.percent;
    }
  });

export type DeploymentFile = Readonly<z.infer<typeof deploymentFileSchema>>;
export type Wave = DeploymentFile['waves'][number];
