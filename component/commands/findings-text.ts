import type { Findings } from '../contract/result.ts';

/** Further kinds in one line: `2 more`. */
const MOST = 4;

/** What was found in a picture, in one line for people. */
export function findingsText(findings: Findings): string {
  const { detections, anomaly, classes, poses, segments, text, ...others } = findings;
  const parts: string[] = [];
  if (detections) parts.push(counted(detections, 'nothing'));
  if (anomaly) {
    const isReached = anomaly.score >= anomaly.threshold;
    const comparison = isReached ? '≥' : '<';
    const decision = anomaly.isAnomalous ? ', anomalous' : ', not anomalous';
    const areas = anomaly.areas?.length ?? 0;
    parts.push(
      `${anomaly.score.toFixed(3)} ${comparison} ${anomaly.threshold}` +
        (isReached === anomaly.isAnomalous ? '' : decision) +
        (anomaly.isAnomalous && areas > 0
          ? `, ${areas} ${areas === 1 ? 'area' : 'areas'}, ${percent(anomaly.areaFraction ?? 0)}`
          : ''),
    );
  }
  if (classes) {
    parts.push(shortened(classes.map(({ label, score }) => `${label} ${score.toFixed(2)}`)));
  }
  if (poses)
    parts.push(
      counted(
        poses.map((pose) => ({ label: 'pose', ...pose })),
        'nobody',
      ),
    );
  if (segments) {
    parts.push(
      shortened(segments.map(({ label, areaFraction }) => `${label} ${percent(areaFraction)}`)),
    );
  }
  if (text) {
    parts.push(
      shortened(
        text.map(({ text: read = 'a place of text', score }) => `${read} ${score.toFixed(2)}`),
      ),
    );
  }
  for (const [kind, found] of Object.entries(others as Record<string, unknown>)) {
    if (Array.isArray(found)) parts.push(`${kind}: ${found.length}`);
  }
  return parts.join('; ');
}

/** `3 × person 0.73, car 0.41`: how many of each label, and the best score among them. */
function counted(
  found: readonly { readonly label?: string | undefined; readonly score: number }[],
  none: string,
): string {
  const labels = new Map<string, { count: number; best: number }>();
  for (const { label = '', score } of found) {
    const known = labels.get(label) ?? { count: 0, best: 0 };
    labels.set(label, { count: known.count + 1, best: Math.max(known.best, score) });
  }
  const texts = [...labels].map(
    ([label, { count, best }]) => `${count === 1 ? '' : `${count} × `}${label} ${best.toFixed(2)}`,
  );
  return shortened(texts, none);
}

function shortened(texts: readonly string[], none = 'nothing'): string {
  if (texts.length === 0) return none;
  if (texts.length <= MOST) return texts.join(', ');
  return `${texts.slice(0, MOST - 1).join(', ')}, ${texts.length - MOST + 1} more`;
}

const percent = (fraction: number): string => `${(fraction * 100).toFixed(1)} %`;
