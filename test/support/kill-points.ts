import { seededRandom } from '../soak/random.ts';
import type { LoopbackServer } from './emulated-aws/loopback-server.ts';
import type { PublisherEnd, RunningPublisher } from './run-publisher.ts';
import { startPublisher } from './run-publisher.ts';

/** Where a program is killed, by what the services that it calls see of it. */
export type KillPoint =
  /**
   * While a call is held before or after the work of the service: the how-manieth such moment, from 1; or
   * of those after the work of one operation.
   */
  | { readonly atMoment: number; readonly after?: string }
  /** On its own, so long after a moment (0: its start) at the latest when the next one comes. */
  | { readonly afterMoment: number; readonly delayMs: number }
  /** When so many bytes of the bodies of its requests have arrived. */
  | { readonly atBodyByte: number };

/** What services saw of a run that was left alone. */
export interface SeenRun {
  /** Of each moment before and after the work of a call, in milliseconds since the start. */
  readonly momentsMs: readonly number[];
  readonly bodyBytes: number;
}

type Watched = Pick<LoopbackServer, 'onCall' | 'onBody'>;

/** Of moments at which a call is held, one in so many points in a body, of the others on its own. */
const HELD_SHARE = 0.6;
const BODY_SHARE = 0.5;

/** Runs to the end. @returns how it ended and what was seen of it */
export async function seeRun(
  servers: readonly Watched[],
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly end: PublisherEnd; readonly seen: SeenRun }> {
  const momentsMs: number[] = [];
  let bodyBytes = 0;
  const startedAtMs = performance.now();
  for (const server of servers) {
    server.onCall = () => void momentsMs.push(performance.now() - startedAtMs);
    server.onBody = (byteLength) => void (bodyBytes += byteLength);
  }
  const end = await startPublisher(args, environment).ended;
  letBe(servers);
  return { end, seen: { momentsMs, bodyBytes } };
}

/**
 * So many different points in a run: while calls are held, evenly over the run or at every moment, in
 * the midst of bodies, and between moments. The same points for the same seed.
 * @param count at least 5
 */
export function killPoints({ momentsMs, bodyBytes }: SeenRun, count: number, seed: number) {
  const random = seededRandom(seed);
  const held = Math.min(momentsMs.length, Math.round(count * HELD_SHARE));
  const points: KillPoint[] = Array.from({ length: held }, (_, index) => ({
    atMoment: 1 + Math.floor((index * momentsMs.length) / held),
  }));
  const inBodies = Math.round((count - held) * BODY_SHARE);
  for (let index = 0; index < inBodies; index += 1) {
    points.push({ atBodyByte: 1 + Math.floor(((index + random()) * bodyBytes) / inBodies) });
  }
  while (points.length < count) {
    const afterMoment = Math.floor(random() * momentsMs.length);
    const gapMs = momentsMs[afterMoment]! - (momentsMs[afterMoment - 1] ?? 0);
    points.push({ afterMoment, delayMs: Math.round(random() * gapMs * 1000) / 1000 });
  }
  return points;
}

/** Starts the program and kills it at this point. @returns how it ended: by itself if the point lay behind its end */
export async function killAt(
  point: KillPoint,
  servers: readonly Watched[],
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<PublisherEnd> {
  const running = startPublisher(args, environment);
  let timer: NodeJS.Timeout | undefined;
  let moments = 0;
  let bytes = 0;
  const killHeld = async (): Promise<void> => {
    running.kill();
    await running.ended;
  };
  const killLater = (killed: RunningPublisher, delayMs: number): void => {
    timer = setTimeout(() => killed.kill(), delayMs);
  };
  if ('afterMoment' in point && point.afterMoment === 0) killLater(running, point.delayMs);
  for (const server of servers) {
    server.onCall = async (operation, moment) => {
      if ('after' in point && (moment !== 'after' || operation !== point.after)) return;
      moments += 1;
      if ('atMoment' in point && moments === point.atMoment) await killHeld();
      if (!('afterMoment' in point)) return;
      if (moments === point.afterMoment) killLater(running, point.delayMs);
      if (moments === point.afterMoment + 1) await killHeld();
    };
    server.onBody = async (byteLength) => {
      bytes += byteLength;
      if ('atBodyByte' in point && bytes >= point.atBodyByte) await killHeld();
    };
  }
  const end = await running.ended;
  clearTimeout(timer);
  letBe(servers);
  return end;
}

function letBe(servers: readonly Watched[]): void {
  for (const server of servers) {
    server.onCall = () => undefined;
    server.onBody = () => undefined;
  }
}
