import type { Evaluation } from './evaluation.ts';

/** What to put into the configuration so that a camera judges at the suggested threshold. */
export function configurationLines({ score, suggested }: Evaluation): string {
  const { threshold } = suggested;
  const camera = '<camera>';
  switch (score.kind) {
    case 'anomaly':
      return `cameras:\n  ${camera}:\n    thresholds: { score: ${threshold} }\n`;
    case 'detections': {
      if (!score.badLabels) {
        return (
          `cameras:\n  ${camera}:\n    thresholds: { score: ${threshold} }\n` +
          `rules:\n  no-defect: { camera: ${camera}, kind: count, maximum: 0 }\n`
        );
      }
      const thresholds = score.badLabels.map((label) => `${quoted(label)}: ${threshold}`);
      const rules = score.badLabels.map(
        (label, index) =>
          `  no-defect-${index + 1}: { camera: ${camera}, kind: count, label: ${quoted(label)}, maximum: 0 }\n`,
      );
      return (
        `cameras:\n  ${camera}:\n    thresholds: { labels: { ${thresholds.join(', ')} } }\n` +
        `rules:\n${rules.join('')}`
      );
    }
    case 'classes': {
      const rules = (score.badLabels ?? []).map(
        (label, index) =>
          `  bad-class-${index + 1}: { camera: ${camera}, kind: score-between, label: ${quoted(label)}, from: ${threshold}, to: 1, outcome: fail }\n`,
      );
      const isLeftOut = threshold < (score.leftOutBelow ?? 0);
      const lowered = `cameras:\n  ${camera}:\n    thresholds: { score: ${threshold} }\n`;
      return `${isLeftOut ? lowered : ''}rules:\n${rules.join('')}`;
    }
  }
}

/** A JSON string is a YAML string. */
const quoted = (label: string): string =>
  /^[A-Za-z][\w -]*$/.test(label) && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(label)
    ? label.trimEnd()
    : JSON.stringify(label);
