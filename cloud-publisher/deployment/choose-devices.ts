import { createHash } from 'node:crypto';

/**
 * Devices of a wave by percentage: those that bring the share of the target's devices up to it, in an
 * order that depends on the deployment's name alone, so that the same plan made again chooses the same.
 */
export function chooseDevices(
  all: readonly string[],
  taken: ReadonlySet<string>,
  percent: number,
  seed: string,
): string[] {
  const wanted = Math.ceil((all.length * percent) / 100);
  const already = all.filter((thing) => taken.has(thing)).length;
  return all
    .filter((thing) => !taken.has(thing))
    .map((thing) => ({ thing, at: createHash('sha256').update(`${seed}/${thing}`).digest('hex') }))
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .slice(0, Math.max(0, wanted - already))
    .map(({ thing }) => thing);
}
