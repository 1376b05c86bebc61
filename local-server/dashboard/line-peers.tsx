import { Container, Header, StatusIndicator } from '@cloudscape-design/components';
import type { StatusIndicatorProps } from '@cloudscape-design/components';
import type { OutputStatus } from '../../component/contract/output.ts';
import type { TriggerSourceStatus } from '../../component/contract/transaction.ts';
import { counted, timeText } from './operator-words.ts';
import { Words } from './words.tsx';

interface LinePeersProps {
  triggers: readonly TriggerSourceStatus[];
  outputs: readonly OutputStatus[];
}

/** What triggers and who is told, and whether each of them works. */
export function LinePeers({ triggers, outputs }: LinePeersProps) {
  return (
    <Container header={<Header variant="h2">Around the line</Header>}>
      <div className="line-peers">
        {triggers.length > 0 && (
          <section aria-label="What triggers">
            <h3>What triggers</h3>
            <ul>
              {triggers.map((trigger) => (
                <TriggerItem key={trigger.name} trigger={trigger} />
              ))}
            </ul>
          </section>
        )}
        {outputs.length > 0 && (
          <section aria-label="Who is told">
            <h3>Who is told</h3>
            <ul>
              {outputs.map((output) => (
                <OutputItem key={output.name} output={output} />
              ))}
            </ul>
          </section>
        )}
      </div>
    </Container>
  );
}

const TRIGGER_STATES: Readonly<
  Record<TriggerSourceStatus['state'], readonly [StatusIndicatorProps.Type, string]>
> = {
  connecting: ['in-progress', 'connecting'],
  listening: ['success', 'listening'],
  lost: ['error', 'hears nothing'],
  disabled: ['stopped', 'disabled'],
};

function TriggerItem({ trigger }: { trigger: TriggerSourceStatus }) {
  const { name, kind, camera, state, reason, taken, refused, lastTakenAtMs, lastRefusal } = trigger;
  const [type, words] = TRIGGER_STATES[state];
  const counts = [
    `${taken.toLocaleString()} taken`,
    ...(lastTakenAtMs === undefined ? [] : [`last ${timeText(lastTakenAtMs)}`]),
    ...(refused > 0 ? [`${refused.toLocaleString()} refused`] : []),
  ].join(', ');
  return (
    <li>
      <strong>{name}</strong> <span className="secondary">{`${kind} → ${camera}`}</span>{' '}
      <StatusIndicator type={type}>{words}</StatusIndicator>{' '}
      <span className="secondary">{counts}</span>
      {(reason ?? lastRefusal) && (
        <div className="secondary">
          <Words text={(reason ?? lastRefusal)?.message} />
        </div>
      )}
    </li>
  );
}

function OutputItem({ output }: { output: OutputStatus }) {
  const { name, kind, waiting, acknowledged, givenUp, last } = output;
  const [type, words] = outputState(output);
  const counts = [
    `${acknowledged.toLocaleString()} told`,
    ...(waiting > 0 ? [`${counted(waiting, 'verdict')} waiting`] : []),
    ...(givenUp > 0 ? [`${givenUp.toLocaleString()} given up`] : []),
  ].join(', ');
  return (
    <li>
      <strong>{name}</strong> <span className="secondary">{kind}</span>{' '}
      <StatusIndicator type={type}>{words}</StatusIndicator>{' '}
      <span className="secondary">{counts}</span>
      {last?.end === 'given-up' && <div className="secondary">{last.detail}</div>}
    </li>
  );
}

function outputState({ last }: OutputStatus): readonly [StatusIndicatorProps.Type, string] {
  if (last === undefined) return ['pending', 'nothing told yet'];
  const time = timeText(last.endedAtMs);
  return last.end === 'acknowledged'
    ? ['success', `told at ${time}`]
    : ['error', `not told at ${time}`];
}
