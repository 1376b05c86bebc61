import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VedetteError } from '../contract/errors.ts';
import type { Size } from '../contract/frame.ts';
import { WHOLE_FRAME } from '../contract/frame.ts';
import type { ModelManifest } from '../contract/model-manifest.ts';
import type { Findings } from '../contract/result.ts';
import { compareAnomaly } from './golden/compare-anomaly.ts';
import { compareClasses } from './golden/compare-classes.ts';
import { compareDetections } from './golden/compare-detections.ts';
import { compareEmbedding } from './golden/compare-embedding.ts';
import { comparePoses } from './golden/compare-poses.ts';
import { compareSegments } from './golden/compare-segments.ts';
import { compareTensors } from './golden/compare-tensors.ts';
import { compareText } from './golden/compare-text.ts';
import type { Comparison } from './golden/comparison.ts';
import type { ModelSession } from './model-session.ts';

/** One for each family of findings. */
const COMPARISONS: readonly Comparison[] = [
  compareDetections,
  compareAnomaly,
  compareClasses,
  comparePoses,
  compareSegments,
  compareText,
  compareEmbedding,
  compareTensors,
];

/**
 * Runs the golden pictures of a package and compares what was found with what is expected; each
 * comparison says what may differ. A picture's time budget is compared with the shorter of the time on
 * the clock and the processor's time: waiting for a core that a working model has is no fault.
 * @throws VedetteError MODEL_PROBE_FAILED with every difference; MODEL_PACKAGE_INVALID when
 * `expected` holds nothing that can be compared
 */
export async function checkGolden(
  session: ModelSession,
  folder: string,
  golden: ModelManifest['golden'],
): Promise<void> {
  const differences: string[] = [];
  for (const { image, expected, maxRunMs } of golden) {
    const bytes = await readFile(join(folder, image));
    const begin = performance.now();
    const beginCpu = process.cpuUsage();
    const { findings, picture } = await session.judge({
      image: { kind: 'encoded', data: bytes },
      view: WHOLE_FRAME,
      thresholds: { labels: {} },
      wantsAnomalyMap: false,
    });
    const cpu = process.cpuUsage(beginCpu);
    const tookMs = Math.min(performance.now() - begin, (cpu.user + cpu.system) / 1000);
    const found = compare(findings, picture, expected, image);
    differences.push(...found.map((text) => `${image}: ${text}`));
    if (maxRunMs !== undefined && tookMs > maxRunMs) {
      differences.push(
        `${image}: took ${tookMs.toFixed(1)} ms, at most ${maxRunMs} ms are allowed`,
      );
    }
  }
  if (differences.length === 0) return;
  throw new VedetteError(
    'MODEL_PROBE_FAILED',
    `the golden pictures did not give what is expected: ${differences.join('; ')}`,
    { details: { differences } },
  );
}

/** Every part that both have is compared; one at least must be. */
function compare(
  findings: Findings,
  picture: Size,
  expected: Readonly<Record<string, unknown>>,
  image: string,
): string[] {
  const compared = COMPARISONS.map((comparison) => comparison(findings, expected, picture)).filter(
    (differences) => differences !== undefined,
  );
  if (compared.length > 0) return compared.flat();
  const part = Object.keys(findings).join(' or ');
  throw new VedetteError(
    'MODEL_PACKAGE_INVALID',
    `golden picture ${image}: 'expected' needs '${part}' as results have it`,
  );
}
