import { isDeepStrictEqual } from 'node:util';
import type {
  DeployedComponents,
  DeploymentDocument,
  IotJobConfiguration,
} from '../greengrass/deployment-gateway.ts';
import { mergeOf, withoutResets } from './apply-component-set.ts';
import { firstAbsent, leavesOf, parentOf } from './json-pointer.ts';

const MAX_POINTERS = 50;
const MAX_POINTER_CHARACTERS = 256;

/**
 * The document that takes devices back to what they had. The old one alone would leave behind what the
 * new one merged, since a device keeps its configuration: those pointers are reset, then the old merge
 * comes again. Resets of old deployments do not: they were for the devices of their time. Nor do the
 * base's roll-out rate and abort criteria: the way back is for all, at once.
 * @param planned what `applied` was made of, where `base` is somebody else's that came in between
 */
export function rollBackDocument(
  { iotJobConfiguration, ...base }: DeploymentDocument,
  applied: DeployedComponents,
  planned: DeployedComponents = base.components,
): DeploymentDocument {
  const isBetween = planned !== base.components;
  const components = Object.fromEntries(
    Object.entries(base.components).map(([component, before]) => {
      const after = applied[component];
      if (isDeepStrictEqual(planned[component], after)) return [component, before];
      // Devices never had what came in between: its resets are for them.
      const own = isBetween ? (before.configurationUpdate?.reset ?? []) : [];
      if (!after) return [component, isBetween ? before : withoutResets(before)];
      const oldMerge = mergeOf(component, before) ?? {};
      const old = leavesOf(oldMerge);
      // Not the leaf alone: an object that is left empty is another configuration than none.
      const merged = [...leavesOf(mergeOf(component, after))].flatMap(([pointer, value]) =>
        isDeepStrictEqual(old.get(pointer), value) ? [] : firstAbsent(oldMerge, pointer),
      );
      const reset = folded([...own, ...merged]);
      const merge = before.configurationUpdate?.merge;
      if (reset.length === 0) return [component, withoutResets(before)];
      const configurationUpdate = { ...(merge === undefined ? {} : { merge }), reset };
      return [component, { ...before, configurationUpdate }];
    }),
  );
  const job = jobOfAll(iotJobConfiguration);
  return { ...base, components, ...(job ? { iotJobConfiguration: job } : {}) };
}

const jobOfAll = (job: IotJobConfiguration | undefined): IotJobConfiguration | undefined =>
  job?.timeoutConfig && { timeoutConfig: job.timeoutConfig };

/** Few and short enough for a deployment: what is left out is reset with what holds it. */
function folded(pointers: readonly string[]): string[] {
  let found = [...new Set(pointers)];
  while (
    found.length > MAX_POINTERS ||
    found.some((pointer) => pointer.length > MAX_POINTER_CHARACTERS)
  ) {
    const deepest = Math.max(...found.map((pointer) => pointer.split('/').length));
    found = [
      ...new Set(found.map((one) => (one.split('/').length === deepest ? parentOf(one) : one))),
    ];
  }
  return found;
}
