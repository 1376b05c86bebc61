import {
  AttributeIds,
  TimestampsToReturn,
  resolveNodeId,
  type ClientSession,
  type ClientSubscription,
  type DataValue,
  type StatusCode,
} from 'node-opcua-client';

/** A subscription with nothing to tell says so after as many intervals. */
const KEEP_ALIVE_COUNT = 10;

export interface NodeWatch {
  readonly nodeId: string;
  readonly samplingMs: number;
  /** What an answer may take beyond the time in which the server has to say something. */
  readonly timeoutMs: number;
  readonly onValue: (value: DataValue) => void;
  /** Once at most: it tells nothing any more, though the session may go on. */
  readonly onLost: (why: string) => void;
}

/** Subscribes to the value of a node. @throws what node-opcua throws */
export async function watchNode(session: ClientSession, watch: NodeWatch): Promise<void> {
  const { nodeId, samplingMs } = watch;
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: samplingMs,
    requestedLifetimeCount: 1000,
    requestedMaxKeepAliveCount: KEEP_ALIVE_COUNT,
    maxNotificationsPerPublish: 1000,
    publishingEnabled: true,
    priority: 10,
  });
  watchLife(subscription, watch);
  const item = await subscription.monitor(
    { nodeId: resolveNodeId(nodeId), attributeId: AttributeIds.Value },
    { samplingInterval: samplingMs, discardOldest: true, queueSize: 100 },
    TimestampsToReturn.Both,
  );
  item.on('changed', watch.onValue);
}

/**
 * A server may end a subscription and keep the session. It should say so, and node-opcua passes that on;
 * a server that says nothing at all is noticed by its silence, since even a subscription with nothing to
 * tell answers once in so many intervals.
 */
function watchLife(subscription: ClientSubscription, { timeoutMs, onLost }: NodeWatch): void {
  const { publishingInterval, maxKeepAliveCount } = subscription;
  const silenceMs = publishingInterval * maxKeepAliveCount + timeoutMs;
  let isOver = false;
  const end = (why: string) => {
    clearInterval(timer);
    if (isOver) return;
    isOver = true;
    onLost(why);
  };
  let heardMs = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - heardMs > silenceMs) {
      end(`its subscription told nothing for ${Math.round(silenceMs)} ms`);
    }
  }, silenceMs / 4);
  subscription.on('raw_notification', () => (heardMs = performance.now()));
  subscription.on('status_changed', (status: StatusCode) =>
    end(`it ended the subscription: ${status.name}`),
  );
  subscription.on('internal_error', (error: Error) => end(error.message));
  subscription.on('terminated', () => end('it ended the subscription'));
}
