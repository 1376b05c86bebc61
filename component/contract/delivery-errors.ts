import { entry } from './error-code-entry.ts';
import type { ErrorCodeEntry } from './error-code-entry.ts';

/** Codes of what leaves the device: messages, batches of the ledger, captures. */
export const DELIVERY_ERROR_CODES = {
  CHANNEL_OFFLINE: entry(
    503,
    true,
    'There is no connection to the broker or the Greengrass nucleus; messages wait on the device.',
    'Check the network of the device; what waits is sent by itself when the connection is back.',
  ),
  CHANNEL_BUSY: entry(
    503,
    true,
    'The broker or the Greengrass nucleus takes no more messages for now; they are sent again.',
    'Nothing to do when it passes; when it stays, the connection is too slow for what is published: publish less (`delivery.cameras`, `delivery.messages.profile`).',
  ),
  MESSAGE_REFUSED: entry(
    403,
    false,
    'The broker, the Greengrass nucleus or a webhook refused a message, or a subscription was refused; others go on.',
    'Compare the topic that it names with `accessControl` of the component on the device and with the policy of the thing; where filters overlap, choose others; of a webhook, look at the receiver’s log.',
  ),
  DELIVERY_GIVEN_UP: entry(
    507,
    false,
    'Messages or captures that waited to leave the device were given up; their numbers were told to receivers.',
    'Connect the device, or raise the limit that the message names.',
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
