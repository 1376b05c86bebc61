import { Button, SpaceBetween, StatusIndicator } from '@cloudscape-design/components';
import { useState } from 'react';
import type {
  CandidateStatus,
  ModelLifecycleStatus,
} from '../../component/contract/model-lifecycle.ts';
import type { ModelStatus } from '../../component/contract/ports.ts';
import { changeModel } from './api-client.ts';
import type { ModelChange } from './api-client.ts';
import { counted, timeText } from './operator-words.ts';

/** Which version of a model answers, which one is tried, and what can be done about it. */
export function ModelVersions({
  model,
  isConnected,
}: {
  model: ModelStatus;
  isConnected: boolean;
}) {
  const { identity, lifecycle, variantReason } = model;
  return (
    <SpaceBetween size="xxs">
      {identity !== undefined && (
        <span title={variantReason}>
          {`${identity.version}, ${identity.variant} on ${identity.executionProvider}`}
          {lifecycle?.isPinned && <span className="secondary"> pinned</span>}
        </span>
      )}
      {lifecycle?.candidate && <Candidate candidate={lifecycle.candidate} />}
      {lifecycle?.previous && (
        <div className="secondary">
          {`before: ${shortName(lifecycle.previous.package, lifecycle.previous.identity?.version)}`}
        </div>
      )}
      {lifecycle && <Change lifecycle={lifecycle} />}
      {lifecycle && <Buttons name={model.name} lifecycle={lifecycle} isConnected={isConnected} />}
    </SpaceBetween>
  );
}

function Candidate({ candidate }: { candidate: CandidateStatus }) {
  const { mode, cameras, shadow, canary = {}, labels } = candidate;
  const name = shortName(candidate.package, candidate.identity?.version);
  const where = mode === 'canary' ? ` acts on ${cameras.join(', ')}` : ' is compared';
  return (
    <div>
      <StatusIndicator type="info">{`${name}${where}`}</StatusIndicator>
      {shadow && (
        <div className="secondary">
          {shadow.compared === 0
            ? 'No frame compared yet'
            : `Agrees on ${percent(shadow.agreed, shadow.compared)} of ${counted(shadow.compared, 'frame')}`}
          {shadow.failed > 0 && `, failed on ${shadow.failed.toLocaleString()}`}
          {shadow.dropped > 0 && `, did not see ${shadow.dropped.toLocaleString()}`}
          {shadow.candidateMs &&
            shadow.activeMs &&
            `; ${shadow.candidateMs.median.toFixed(1)} ms, active ${shadow.activeMs.median.toFixed(1)} ms`}
        </div>
      )}
      {Object.entries(canary).map(([camera, { results, fails, reviews, errors, baseline }]) => (
        <div key={camera} className="secondary">
          {`${camera}: ${counted(results, 'result')}, ${percent(fails, results)} fail (before ${percent(baseline.fails, baseline.results)}), ` +
            `${percent(reviews, results)} review, ${errors.toLocaleString()} failed`}
        </div>
      ))}
      {labels && (
        <div className="secondary">
          {`By labels right: ${percent(labels.candidate.right, labels.candidate.labelled)}, ` +
            `active ${percent(labels.active.right, labels.active.labelled)}`}
        </div>
      )}
    </div>
  );
}

function Change({ lifecycle: { change, lastChange } }: { lifecycle: ModelLifecycleStatus }) {
  if (change) {
    const text = `${CHANGE_WORDS[change.kind]} ${shortName(change.package)}: ${change.stage}`;
    return <StatusIndicator type="in-progress">{text}</StatusIndicator>;
  }
  if (!lastChange?.error) return null;
  const when = timeText(lastChange.endedAtMs);
  return (
    <StatusIndicator type="warning">
      {`${when}: ${shortName(lastChange.package)} was refused. ${lastChange.error.message}`}
    </StatusIndicator>
  );
}

function Buttons({
  name,
  lifecycle,
  isConnected,
}: {
  name: string;
  lifecycle: ModelLifecycleStatus;
  isConnected: boolean;
}) {
  const [problem, setProblem] = useState('');
  const { candidate, previous, isPinned, change } = lifecycle;
  const isBusy = change !== undefined || !isConnected;
  const ask = (kind: ModelChange) => async () => {
    setProblem('');
    await changeModel(name, kind).catch((error: Error) => setProblem(error.message));
  };
  const button = (kind: ModelChange, text: string, isDisabled = isBusy) => (
    <Button
      variant="inline-link"
      disabled={isDisabled}
      ariaLabel={`${text}: ${name}`}
      onClick={() => void ask(kind)()}
    >
      {text}
    </Button>
  );
  return (
    <>
      <SpaceBetween size="s" direction="horizontal">
        {candidate && button('promote', 'Promote', isBusy || isPinned)}
        {candidate && button('discard', 'Discard')}
        {!candidate && previous && button('rollback', 'Roll back', isBusy || isPinned)}
        {(candidate ?? previous) && button(isPinned ? 'unpin' : 'pin', isPinned ? 'Unpin' : 'Pin')}
      </SpaceBetween>
      {problem !== '' && <StatusIndicator type="error">{problem}</StatusIndicator>}
    </>
  );
}

const CHANGE_WORDS = {
  propose: 'Bringing in',
  configure: 'Configuring',
  promote: 'Promoting',
  rollback: 'Going back to',
  discard: 'Discarding',
  pin: 'Pinning',
  unpin: 'Unpinning',
} as const;

/** A path says little in a table; the version or the last part of it does. */
function shortName(named: string, version?: string): string {
  if (!named.includes('/')) return named;
  return version ?? named.slice(named.lastIndexOf('/') + 1);
}

const percent = (part: number, of: number): string =>
  of === 0 ? '–' : `${((part / of) * 100).toFixed(1)} %`;
