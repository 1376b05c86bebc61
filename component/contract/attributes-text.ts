import type { Detection } from './result.ts';

/** What the steps of a chain found in the crop of a finding, in a few words: its best class, texts, a defect. */
export function attributesText(attributes: Detection['attributes']): string {
  const parts = Object.values(attributes ?? {}).flatMap(
    ({ classes, text, anomaly, detections }) => [
      ...(classes?.[0] ? [classes[0].label] : []),
      ...(text ?? []).flatMap((line) => (line.text === undefined ? [] : [line.text])),
      ...(anomaly?.isAnomalous ? [`defect ${anomaly.score.toFixed(2)}`] : []),
      ...(detections ?? []).map((inner) =>
        [inner.label, attributesText(inner.attributes)].filter(Boolean).join(' '),
      ),
    ],
  );
  return parts.join(', ');
}
