import { Container, Header, StatusIndicator } from '@cloudscape-design/components';
import type { DropReason } from '../../component/contract/frame.ts';
import type { CameraStatus, ModelStatus } from '../../component/contract/ports.ts';
import type { InferenceResult } from '../../component/contract/result.ts';
import { LiveView } from './live-view.tsx';
import {
  cameraState,
  CONDITION_WORDS,
  counted,
  DROP_WORDS,
  durationText,
  findingsText,
  OUTCOMES,
  timeText,
} from './operator-words.ts';
import { OutcomeBadge } from './outcome-badge.tsx';
import { SpaceCounts } from './space-counts.tsx';
import { StageBar } from './stage-bar.tsx';
import { Words } from './words.tsx';

const OLD_PICTURE_SECONDS = 15;

interface CameraCardProps {
  camera: CameraStatus;
  /** The model that judges it, once it is known. */
  model: ModelStatus | undefined;
  lastResult: InferenceResult | undefined;
  isConnected: boolean;
  mayStream: boolean;
  /** The device's clock. */
  nowMs: number;
  onOpen: (result: InferenceResult) => void;
}

export function CameraCard(props: CameraCardProps) {
  const { camera, model, lastResult, isConnected, mayStream, nowMs } = props;
  const [indicator, word] = cameraState(camera, model);
  return (
    <section aria-label={camera.title}>
      <Container
        fitHeight
        header={
          <Header
            variant="h2"
            description={`Judged by ${camera.model}`}
            actions={
              isConnected ? (
                <StatusIndicator type={indicator}>{word}</StatusIndicator>
              ) : (
                <StatusIndicator type="pending">Unknown</StatusIndicator>
              )
            }
          >
            {camera.title}
          </Header>
        }
      >
        <div className="camera">
          <LiveView
            camera={camera.name}
            title={camera.title}
            mayStream={mayStream}
            unavailable={whyNoLiveView(camera, model, isConnected)}
          />
          {camera.reason !== undefined && (
            <p className="camera-reason">
              <Words text={camera.reason.message} />
              {camera.state !== 'running' && (
                <span className="camera-since secondary">
                  Since {timeText(camera.stateSinceMs)}
                </span>
              )}
            </p>
          )}
          <HealthBadges camera={camera} />
          <LastVerdict result={lastResult} onOpen={props.onOpen} />
          {camera.space !== undefined && <SpaceCounts space={camera.space} />}
          <CameraNumbers camera={camera} ageText={pictureAge(camera, nowMs)} />
          <StageBar stageMs={camera.stageMs} />
        </div>
      </Container>
    </section>
  );
}

function HealthBadges({ camera }: Pick<CameraCardProps, 'camera'>) {
  const conditions = camera.health?.conditions ?? [];
  if (conditions.length === 0) return undefined;
  return (
    <ul className="camera-conditions" aria-label="What is wrong with the picture">
      {conditions.map(({ kind, message }) => (
        <li key={kind}>
          <span className="condition">{CONDITION_WORDS[kind]}</span> {message}
        </li>
      ))}
    </ul>
  );
}

function LastVerdict(
  props: Pick<CameraCardProps, 'onOpen'> & { result?: InferenceResult | undefined },
) {
  const { result, onOpen } = props;
  if (result === undefined)
    return <p className="verdict-none">No verdict since this page opened</p>;
  const { outcome, reason, rule } = result.verdict;
  return (
    <button type="button" className="verdict" onClick={() => onOpen(result)}>
      <OutcomeBadge outcome={outcome} large />
      <span className="verdict-text">
        <span className="verdict-reason">{reason || findingsText(result)}</span>
        <span className="secondary">
          {rule === undefined ? 'No rule applied' : `Rule ${rule}`},{' '}
          {timeText(result.frame.capturedAt)}
        </span>
      </span>
    </button>
  );
}

function CameraNumbers({ camera, ageText }: { camera: CameraStatus; ageText: string | undefined }) {
  const source = sourceText(camera);
  return (
    <dl className="numbers">
      <div>
        <dt>Verdicts per second</dt>
        <dd className="number">{camera.framesPerSecond.toFixed(1)}</dd>
      </div>
      <div>
        <dt>Since the start</dt>
        <dd className="outcome-counts">
          {OUTCOMES.map((outcome) => (
            <span key={outcome}>
              <OutcomeBadge outcome={outcome} />{' '}
              <span className="number">{camera.outcomes[outcome].toLocaleString()}</span>
            </span>
          ))}
        </dd>
      </div>
      {source !== '' && (
        <div>
          <dt>Source</dt>
          <dd className="number">{source}</dd>
        </div>
      )}
      <div>
        <dt>Pictures left out</dt>
        <dd>
          <DropCounts drops={camera.framesDropped} />
        </dd>
      </div>
      {ageText !== undefined && (
        <div>
          <dt>Last picture</dt>
          <dd className="attention">{ageText}</dd>
        </div>
      )}
    </dl>
  );
}

/** `frames of gate, 640 × 480, 25.0 a second, opened again 3 times`, as far as it is known. */
function sourceText({ framesOf, lastFrame, health, restarts, decoder }: CameraStatus): string {
  const rate = health?.measures?.framesPerSecond;
  return [
    framesOf === undefined ? undefined : `frames of ${framesOf}`,
    lastFrame && `${lastFrame.width} × ${lastFrame.height}`,
    rate === undefined ? undefined : `${rate.toFixed(1)} a second`,
    decoder === undefined || decoder === 'software' ? undefined : `decoded by ${decoder}`,
    restarts === 0 ? undefined : `opened again ${counted(restarts, 'time')}`,
  ]
    .filter((part) => part !== undefined)
    .join(', ');
}

function DropCounts({ drops }: { drops: CameraStatus['framesDropped'] }) {
  const counts = (Object.entries(drops) as [DropReason, number][]).filter(([, count]) => count > 0);
  const dropped = counts.reduce((sum, [, count]) => sum + count, 0);
  const words = counts.map(([reason, count]) =>
    counts.length === 1 ? DROP_WORDS[reason] : `${count.toLocaleString()} ${DROP_WORDS[reason]}`,
  );
  return (
    <>
      <span className="number">{dropped.toLocaleString()}</span>
      {counts.length > 1 ? ': ' : ' '}
      <span className="secondary">{words.join(', ')}</span>
    </>
  );
}

function pictureAge(camera: CameraStatus, nowMs: number): string | undefined {
  if (camera.lastFrame === undefined) return undefined;
  const seconds = (nowMs - camera.lastFrame.capturedAtMs) / 1000;
  return seconds > OLD_PICTURE_SECONDS ? `${durationText(seconds)} ago` : undefined;
}

function whyNoLiveView(
  camera: CameraStatus,
  model: ModelStatus | undefined,
  isConnected: boolean,
): string | undefined {
  if (!isConnected) return 'No live picture: the connection is lost';
  if (camera.state === 'disabled') return 'The camera is switched off';
  if (camera.state === 'ended') return 'The source has ended';
  if (camera.state === 'failed') return 'The camera does not work';
  if (camera.state === 'reconnecting') return 'Connecting to the camera again';
  if (camera.state === 'stalled') return 'The camera sends no pictures';
  if (model?.state === 'failed') return `Nothing is judged: model ${model.name} does not work`;
  return undefined;
}
