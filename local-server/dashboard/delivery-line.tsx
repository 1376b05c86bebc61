import { Container, StatusIndicator } from '@cloudscape-design/components';
import type { StatusIndicatorProps } from '@cloudscape-design/components';
import { useEffect, useState } from 'react';
import type { DeliveryStatus } from '../../component/contract/delivery.ts';
import { fetchDelivery } from './api-client.ts';
import { counted, durationText } from './operator-words.ts';

const ASK_EVERY_MS = 10_000;

/** What waits to leave the device; nothing where nothing is delivered. */
export function DeliveryLine({ isConnected }: { isConnected: boolean }) {
  const [status, setStatus] = useState<DeliveryStatus>();
  useEffect(() => {
    if (!isConnected) return undefined;
    // A page that cannot ask now asks again; the page says itself that the device is away.
    const ask = () => void fetchDelivery().then(setStatus, () => undefined);
    ask();
    const timer = window.setInterval(ask, ASK_EVERY_MS);
    return () => window.clearInterval(timer);
  }, [isConnected]);
  if (!status?.isEnabled) return null;
  const [type, text] = deliveryState(status);
  const { waiting, capturesWaiting, oldestAgeMs, givenUp } = status;
  const messages = waiting.alarms + waiting.others;
  const lost = Object.values(givenUp).reduce((sum, count) => sum + count, 0);
  const parts = [
    `${counted(messages, 'message')} waiting`,
    ...(messages > 0 ? [`for up to ${durationText(oldestAgeMs / 1000)}`] : []),
    ...(capturesWaiting > 0 ? [`${counted(capturesWaiting, 'picture')} waiting`] : []),
    ...(lost > 0 ? [`${lost} given up`] : []),
  ];
  return (
    <Container>
      <section aria-label="Delivery">
        <StatusIndicator type={type}>{text}</StatusIndicator>{' '}
        <span className="secondary">{parts.join(', ')}</span>
      </section>
    </Container>
  );
}

function deliveryState({ channel, store }: DeliveryStatus): [StatusIndicatorProps.Type, string] {
  if (store?.problem !== undefined)
    return ['error', `${store.description} refuses: ${store.problem}`];
  if (channel?.isConnected === false) {
    return ['warning', `No connection to ${channel.description}; messages are kept`];
  }
  const refused = Object.keys(channel?.refusedTopics ?? {}).length;
  if (refused > 0)
    return ['warning', `${channel?.description} refuses ${counted(refused, 'topic')}`];
  return ['success', `Delivered to ${channel?.description ?? store?.description}`];
}
