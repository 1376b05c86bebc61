import {
  Button,
  Header,
  SpaceBetween,
  StatusIndicator,
  Table,
} from '@cloudscape-design/components';
import type { TableProps } from '@cloudscape-design/components';
import { useEffect, useState } from 'react';
import type { OutputRecord } from '../../component/contract/output.ts';
import type { InferenceResult } from '../../component/contract/result.ts';
import type { TransactionRecord } from '../../component/contract/transaction.ts';
import { fetchLine, fetchResult, type LineState } from './api-client.ts';
import { LinePeers } from './line-peers.tsx';
import { millisecondsText, timeText } from './operator-words.ts';
import { OutcomeBadge } from './outcome-badge.tsx';
import { useMediaQuery } from './use-media-query.ts';

const ASK_EVERY_MS = 2000;

interface LineSectionProps {
  /** Whether a camera waits for triggers. */
  isTriggered: boolean;
  isConnected: boolean;
  onOpen: (result: InferenceResult) => void;
}

/** What triggered, what was answered and who was told; nothing where nothing triggers and nobody is told. */
export function LineSection({ isTriggered, isConnected, onOpen }: LineSectionProps) {
  const line = useLine(isConnected);
  const isNarrow = useMediaQuery('(max-width: 700px)');
  if (line === undefined) return null;
  const hasPeers = line.triggers.length > 0 || line.outputs.length > 0;
  if (!isTriggered && !hasPeers) return null;
  return (
    <SpaceBetween size="l">
      {hasPeers && <LinePeers triggers={line.triggers} outputs={line.outputs} />}
      {isTriggered && (
        <Table
          variant="container"
          trackBy="id"
          wrapLines
          items={[...line.transactions]}
          columnDefinitions={columns(line.records, onOpen, isNarrow)}
          visibleColumns={isNarrow ? ['time', 'verdict'] : ALL_COLUMNS}
          empty="Nothing has triggered yet"
          ariaLabels={{ tableLabel: 'Triggers' }}
          header={
            <Header variant="h2" description="What triggered, its verdict, and who was told">
              Triggers
            </Header>
          }
        />
      )}
    </SpaceBetween>
  );
}

const ALL_COLUMNS = ['time', 'camera', 'trigger', 'context', 'verdict', 'took', 'outputs'];

function columns(
  records: readonly OutputRecord[],
  onOpen: (result: InferenceResult) => void,
  isNarrow: boolean,
): TableProps.ColumnDefinition<TransactionRecord>[] {
  return [
    {
      id: 'time',
      header: 'Time',
      minWidth: 100,
      cell: (one) => (
        <>
          <TimeLink transaction={one} onOpen={onOpen} />
          {isNarrow && (
            <div className="secondary">
              {[one.camera, contextText(one.context)].filter(Boolean).join(', ')}
            </div>
          )}
        </>
      ),
    },
    { id: 'camera', header: 'Camera', cell: (one) => one.camera },
    {
      id: 'trigger',
      header: 'Trigger',
      cell: ({ id, source, triggerId }) => (
        <>
          {source}
          {triggerId !== id && <div className="secondary">{triggerId}</div>}
        </>
      ),
    },
    { id: 'context', header: 'Context', cell: ({ context }) => contextText(context) },
    { id: 'verdict', header: 'Verdict', minWidth: 205, cell: (one) => <Verdict {...one} /> },
    {
      id: 'took',
      header: 'Stored after',
      minWidth: 110,
      cell: ({ openedAtMs, endedAtMs }) => (
        <span className="number">
          {endedAtMs === undefined ? '' : millisecondsText(endedAtMs - openedAtMs)}
        </span>
      ),
    },
    {
      id: 'outputs',
      header: 'Told',
      minWidth: 220,
      cell: ({ resultId }) => <Told records={records.filter((one) => one.resultId === resultId)} />,
    },
  ];
}

function TimeLink({
  transaction: { openedAtMs, resultId },
  onOpen,
}: {
  transaction: TransactionRecord;
  onOpen: (result: InferenceResult) => void;
}) {
  const time = timeText(openedAtMs);
  if (resultId === undefined) return <>{time}</>;
  return (
    <Button
      variant="inline-link"
      ariaLabel={`Open the verdict of ${time}`}
      // A verdict that retention has deleted since cannot be opened; the row goes with it.
      onClick={() => void fetchResult(resultId).then(onOpen, () => undefined)}
    >
      {time}
    </Button>
  );
}

function Verdict({ end, outcome, reason }: TransactionRecord) {
  if (end === undefined) return <StatusIndicator type="in-progress">Waits</StatusIndicator>;
  if (end === 'dropped' || outcome === undefined) {
    return (
      <>
        <StatusIndicator type="stopped">Dropped</StatusIndicator>
        <Reason text={reason} />
      </>
    );
  }
  return (
    <>
      <OutcomeBadge outcome={outcome} />
      {end === 'fail-safe' && (
        <>
          <div>
            <StatusIndicator type="warning">Fail-safe: not judged</StatusIndicator>
          </div>
          <Reason text={reason} />
        </>
      )}
    </>
  );
}

/** Two lines of it; the result has the whole. */
function Reason({ text }: { text: string | undefined }) {
  return (
    <div className="secondary line-reason" title={text}>
      {text}
    </div>
  );
}

function Told({ records }: { records: readonly OutputRecord[] }) {
  return records.map(({ output, end, endedAtMs, detail, attempts }) => (
    <div key={`${output} ${endedAtMs}`}>
      <StatusIndicator type={end === 'acknowledged' ? 'success' : 'error'}>
        {output}
      </StatusIndicator>
      <div className="secondary">{attempts > 1 ? `${detail} (try ${attempts})` : detail}</div>
    </div>
  ));
}

const contextText = (context: TransactionRecord['context']): string =>
  Object.entries(context ?? {})
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');

function useLine(isConnected: boolean): LineState | undefined {
  const [line, setLine] = useState<LineState>();
  useEffect(() => {
    if (!isConnected) return undefined;
    // A page that cannot ask now asks again; the page says itself that the device is away.
    const ask = () => void fetchLine().then(setLine, () => undefined);
    ask();
    const timer = window.setInterval(ask, ASK_EVERY_MS);
    return () => window.clearInterval(timer);
  }, [isConnected]);
  return line;
}
