import { topicMatches } from './core-link.ts';

interface Policy {
  readonly operations: readonly string[];
  readonly resources: readonly string[];
}
type AccessControl = Readonly<Record<string, Readonly<Record<string, Policy>>>>;

const MQTT_PROXY = 'aws.greengrass.ipc.mqttproxy';
/** As the emulated nucleus names its thing. */
const THING = 'station-7';

/**
 * Whether a component's `accessControl` lets it publish to a topic, or subscribe to a filter. A
 * configuration without any, as a person on a development device gives it, lets everything pass.
 */
export function isAllowed(accessControl: unknown, operation: string, topic: string): boolean {
  if (accessControl === undefined) return true;
  const policies = Object.values((accessControl as AccessControl)[MQTT_PROXY] ?? {});
  return policies
    .filter(({ operations }) => operations.some((one) => isNamed(one, operation)))
    .some(({ resources }) =>
      resources.some((one) => covers(one.replaceAll('{iot:thingName}', THING), topic)),
    );
}

const isNamed = (given: string, operation: string): boolean =>
  given === '*' || given === `aws.greengrass#${operation}`;

/** `*` stands for any text, `+` and `#` are MQTT's; a filter is covered by the same text too. */
function covers(resource: string, topic: string): boolean {
  if (resource === topic) return true;
  if (!resource.includes('*')) return topicMatches(resource, topic);
  const parts = resource.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(topic);
}
