import {
  Box,
  ExpandableSection,
  KeyValuePairs,
  Modal,
  SpaceBetween,
} from '@cloudscape-design/components';
import { attributesText } from '../../component/contract/attributes-text.ts';
import type { Point } from '../../component/contract/frame.ts';
import type { InferenceResult } from '../../component/contract/result.ts';
import { classesText, counted, findingsText, millisecondsText } from './operator-words.ts';
import { OutcomeBadge } from './outcome-badge.tsx';

/** What is said beside a time of capture. */
const CLOCKS = { arrival: '', file: ' (time of the file)', ntp: ' (clock of the camera)' } as const;

interface VerdictDetailProps {
  result: InferenceResult | undefined;
  onClose: () => void;
}

/** One result in full: where things were found, on the picture when it was kept. */
export function VerdictDetail({ result, onClose }: VerdictDetailProps) {
  return (
    <Modal
      visible={result !== undefined}
      size="large"
      header={result === undefined ? '' : `Verdict of ${result.camera ?? result.model.name}`}
      closeAriaLabel="Close"
      onDismiss={onClose}
    >
      {result !== undefined && (
        <SpaceBetween size="l">
          <div className="verdict-heading">
            <OutcomeBadge outcome={result.verdict.outcome} large />
            <span>{result.verdict.reason}</span>
          </div>
          <FindingsPicture result={result} />
          {result.clipId !== undefined && (
            <a href={`/api/v1/clips/${result.clipId}`} target="_blank" rel="noreferrer">
              Recording around this verdict
            </a>
          )}
          <KeyValuePairs columns={3} items={facts(result)} />
          <ExpandableSection headerText="The whole result (JSON)">
            <pre className="result-json">{JSON.stringify(result, undefined, 2)}</pre>
          </ExpandableSection>
        </SpaceBetween>
      )}
    </Modal>
  );
}

function sizeText({ width, height, scaledTo }: InferenceResult['frame']): string {
  const size = `${width} × ${height}`;
  return scaledTo === undefined ? size : `${size}, kept as ${scaledTo.width} × ${scaledTo.height}`;
}

function facts(result: InferenceResult) {
  const { model, frame, timings, verdict } = result;
  return [
    { label: 'Found', value: findingsText(result) || 'Nothing found' },
    ...(result.classes !== undefined && result.classes.length > 1
      ? [{ label: 'Classes', value: classesText(result.classes) }]
      : []),
    { label: 'Rule', value: verdict.rule ?? 'No rule applied' },
    {
      label: 'Taken',
      value: `${new Date(frame.capturedAt).toLocaleString()}${CLOCKS[frame.captureClock ?? 'arrival']}`,
    },
    { label: 'Model', value: `${model.name} ${model.version} (${model.variant})` },
    ...(result.steps === undefined ? [] : [{ label: 'Steps', value: stepsText(result.steps) }]),
    { label: 'Picture', value: frame.fileName ?? sizeText(frame) },
    { label: 'Took', value: millisecondsText(timings.totalMs) },
    ...(result.transaction === undefined
      ? []
      : [{ label: 'Trigger', value: triggerText(result.transaction) }]),
    ...(result.context === undefined
      ? []
      : [{ label: 'Sent along', value: JSON.stringify(result.context) }]),
  ];
}

/** `belt; picture 12 ms after it, verdict after 61 ms` */
function triggerText(transaction: NonNullable<InferenceResult['transaction']>): string {
  const { source, frameDelayMs, elapsedMs } = transaction;
  const side = (frameDelayMs ?? 0) < 0 ? 'before' : 'after';
  const picture =
    frameDelayMs === undefined
      ? 'no picture'
      : `picture ${millisecondsText(Math.abs(frameDelayMs))} ${side} it`;
  return `${source}; ${picture}, verdict after ${millisecondsText(elapsedMs)}`;
}

/** `find 262 ms; read 7 crops, 117 ms`: what each step of a chain had to do. */
const stepsText = (steps: NonNullable<InferenceResult['steps']>): string =>
  Object.entries(steps)
    .map(([name, { crops, cropsLeftOut, preprocessMs, runMs, decodeMs }], index) => {
      const took = millisecondsText(preprocessMs + runMs + decodeMs);
      const left = cropsLeftOut > 0 ? `, ${cropsLeftOut} left out` : '';
      return index === 0 ? `${name} ${took}` : `${name} ${counted(crops, 'crop')}${left}, ${took}`;
    })
    .join('; ');

/** Of anomalies, masks and segments. */
const outlines = ({ anomaly, detections, segments }: InferenceResult) => [
  ...(anomaly?.areas ?? []).map(({ polygon }) => polygon),
  ...(detections ?? []).flatMap(({ mask }) => mask?.polygons ?? []),
  ...(segments ?? []).flatMap(({ polygons }) => polygons),
];

const pointsText = (polygon: readonly Point[]): string =>
  polygon.map(({ x, y }) => `${x},${y}`).join(' ');

/** Keypoints that a model is less sure of are not shown on the picture. */
const SURE_KEYPOINT = 0.3;

function FindingsPicture({ result }: { result: InferenceResult }) {
  const { width, height } = result.frame;
  if (width === 0 || height === 0) return null;
  const unit = Math.max(width, height) / 100;
  return (
    <figure className="findings">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`Found in the picture: ${findingsText(result)}`}
      >
        {result.captureId !== undefined && (
          <image
            href={`/api/v1/captures/${result.captureId}/image`}
            width={width}
            height={height}
          />
        )}
        {result.detections?.map(({ box, orientedBox, label, score, attributes }, index) => (
          <g key={index}>
            {orientedBox === undefined ? (
              <rect {...box} className="finding" strokeWidth={unit * 0.35} />
            ) : (
              <polygon
                points={pointsText(orientedBox.polygon)}
                className="finding"
                strokeWidth={unit * 0.35}
              />
            )}
            <text
              x={box.x}
              y={Math.max(box.y - unit * 0.6, unit * 2)}
              className="finding-label"
              fontSize={unit * 2}
              strokeWidth={unit * 0.4}
            >
              {label} {score.toFixed(2)} {attributesText(attributes)}
            </text>
          </g>
        ))}
        {result.poses?.map((pose, index) => (
          <g key={index}>
            {pose.keypoints
              .filter(({ score }) => score >= SURE_KEYPOINT)
              .map(({ name, x, y, score }) => (
                <circle
                  key={name}
                  cx={x}
                  cy={y}
                  r={unit}
                  className="finding"
                  strokeWidth={unit * 0.35}
                >
                  <title>{`${name} ${score.toFixed(2)}`}</title>
                </circle>
              ))}
          </g>
        ))}
        {result.text?.map(({ polygon, text, score }, index) =>
          polygon === undefined ? null : (
            <g key={index}>
              <polygon points={pointsText(polygon)} className="finding" strokeWidth={unit * 0.35} />
              <text
                x={polygon[0]?.x}
                y={Math.max((polygon[0]?.y ?? 0) - unit * 0.6, unit * 2)}
                className="finding-label"
                fontSize={unit * 2}
                strokeWidth={unit * 0.4}
              >
                {text ?? score.toFixed(2)}
              </text>
            </g>
          ),
        )}
        {outlines(result).map((polygon, index) => (
          <polygon
            key={index}
            points={pointsText(polygon)}
            className="finding finding-area"
            strokeWidth={unit * 0.4}
          />
        ))}
      </svg>
      {result.captureId === undefined && (
        <Box variant="small">
          No picture was kept of this verdict; only where things were found.
        </Box>
      )}
    </figure>
  );
}
