import type { DeliveryStatus } from '../../contract/delivery.ts';
import { VedetteError } from '../../contract/errors.ts';
import { CheckResults, type Check, type CheckResult } from './check.ts';

const results = new CheckResults('delivery');
const OLD_MS = 3_600_000;

/** Whether what should leave the device does. */
export const checkDelivery: Check = async ({ client }) => {
  if (!client) return [results.skipped('Only a runtime that runs knows what waits')];
  try {
    return ofDelivery(await client.get<DeliveryStatus>('/api/v1/delivery'));
  } catch (thrown) {
    const { message, remedy } = VedetteError.from(thrown);
    return [results.fault(`The runtime does not say what waits: ${message}`, remedy)];
  }
};

function ofDelivery(status: DeliveryStatus): readonly CheckResult[] {
  const { isEnabled, channel, store, waiting, oldestAgeMs, givenUp } = status;
  if (!isEnabled) return [results.skipped('Nothing is to leave this device')];
  const facts = { waiting, oldestAgeMs, givenUp };
  const found: CheckResult[] = [];
  if (channel && !channel.isConnected) {
    const says = `Messages wait: there is no connection through ${channel.description}`;
    found.push(results.warning(says, 'Check the network; they are sent once it is back.', facts));
  }
  for (const [topic, reason] of Object.entries(channel?.refusedTopics ?? {})) {
    found.push(
      results.fault(
        `Messages on ${topic} are refused: ${reason}`,
        'Reset /accessControl in the deployment, and see the policy of the device in AWS IoT.',
      ),
    );
  }
  if (store?.problem !== undefined) {
    const remedy = "Check the bucket, and what the device's role may do there.";
    found.push(
      results.fault(`Nothing can be stored in ${store.description}: ${store.problem}`, remedy),
    );
  }
  if (oldestAgeMs > OLD_MS) {
    const hours = (oldestAgeMs / 3_600_000).toFixed(1);
    found.push(
      results.warning(`The oldest message has waited ${hours} hours`, 'See what is above.', facts),
    );
  }
  const lost = Object.values(givenUp).reduce((sum, count) => sum + count, 0);
  if (lost > 0) {
    found.push(
      results.warning(
        `${lost} messages or pictures were given up since the database was begun`,
        'Raise delivery.maxBytes or its times to live, or deliver less.',
        facts,
      ),
    );
  }
  if (found.length > 0) return found;
  const count = waiting.alarms + waiting.others;
  return [results.ok(`${count} messages and ${status.capturesWaiting} pictures wait`, facts)];
}
