import { Button, Header, Input, Select, SpaceBetween, Table } from '@cloudscape-design/components';
import type { SelectProps, TableProps } from '@cloudscape-design/components';
import { useEffect, useState } from 'react';
import type { InferenceResult } from '../../component/contract/result.ts';
import { fetchResults } from './api-client.ts';
import type { ResultFilter } from './api-client.ts';
import {
  findingsText,
  millisecondsText,
  OUTCOME_WORDS,
  OUTCOMES,
  timeText,
} from './operator-words.ts';
import { OutcomeBadge } from './outcome-badge.tsx';
import { useMediaQuery } from './use-media-query.ts';

const MAX_ROWS = 25;
const ANY = '';

interface VerdictTableProps {
  cameras: readonly string[];
  newResults: readonly InferenceResult[];
  missedResults: number;
  isConnected: boolean;
  onOpen: (result: InferenceResult) => void;
}

/** The latest verdicts that fit the filter: from the database first, then as they come. */
export function VerdictTable(props: VerdictTableProps) {
  const { cameras, newResults, missedResults, isConnected, onOpen } = props;
  const [filter, setFilter] = useState<ResultFilter>({});
  const [isPaused, setIsPaused] = useState(false);
  const stored = useStoredResults(filter, isConnected);
  const rows = mergeResults(newResults, stored.results, filter);
  const shown = useHeld(rows, isPaused);
  const isNarrow = useMediaQuery('(max-width: 700px)');
  return (
    <Table
      variant="container"
      trackBy="id"
      wrapLines
      items={[...shown]}
      loading={stored.isLoading && shown.length === 0}
      loadingText="Reading verdicts"
      columnDefinitions={columns(onOpen, isNarrow)}
      visibleColumns={isNarrow ? ['open', 'outcome', 'findings'] : ALL_COLUMNS}
      onRowClick={({ detail }) => onOpen(detail.item)}
      empty={stored.problem ?? 'No verdict fits the filter yet'}
      ariaLabels={{ tableLabel: 'Latest verdicts' }}
      header={
        <Header
          variant="h2"
          description={
            missedResults > 0
              ? `${missedResults.toLocaleString()} verdicts came too fast to be shown; all are stored`
              : 'Newest first. A row opens the whole result.'
          }
          actions={
            <Button
              iconName={isPaused ? 'play' : 'pause'}
              onClick={() => setIsPaused((last) => !last)}
            >
              {isPaused ? 'Show new ones' : 'Hold'}
            </Button>
          }
        >
          Latest verdicts
        </Header>
      }
      filter={<Filters cameras={cameras} filter={filter} onChange={setFilter} />}
    />
  );
}

const ALL_COLUMNS = ['open', 'camera', 'outcome', 'reason', 'findings', 'total'];

function columns(
  onOpen: (result: InferenceResult) => void,
  isNarrow: boolean,
): TableProps.ColumnDefinition<InferenceResult>[] {
  return [
    {
      id: 'open',
      header: 'Time',
      minWidth: 110,
      cell: (result) => (
        <Button
          variant="inline-link"
          ariaLabel={`Open the verdict of ${timeText(result.frame.capturedAt)}`}
          onClick={(event) => {
            event.stopPropagation();
            onOpen(result);
          }}
        >
          {timeText(result.frame.capturedAt)}
        </Button>
      ),
    },
    { id: 'camera', header: 'Camera', cell: (result) => result.camera ?? 'sent by a program' },
    {
      id: 'outcome',
      header: 'Verdict',
      cell: (result) => <OutcomeBadge outcome={result.verdict.outcome} />,
    },
    { id: 'reason', header: 'Reason', cell: (result) => result.verdict.reason },
    {
      id: 'findings',
      header: 'Found',
      cell: (result) => (
        <>
          {findingsText(result)}
          {isNarrow && <div className="secondary">{result.camera}</div>}
        </>
      ),
    },
    {
      id: 'total',
      header: 'Took',
      cell: (result) => <span className="number">{millisecondsText(result.timings.totalMs)}</span>,
    },
  ];
}

interface FiltersProps {
  cameras: readonly string[];
  filter: ResultFilter;
  onChange: (filter: ResultFilter) => void;
}

function Filters({ cameras, filter, onChange }: FiltersProps) {
  const [label, setLabel] = useState(filter.label ?? '');
  const cameraOptions: SelectProps.Option[] = [
    { value: ANY, label: 'All cameras' },
    ...cameras.map((camera) => ({ value: camera, label: camera })),
  ];
  const outcomeOptions: SelectProps.Option[] = [
    { value: ANY, label: 'All verdicts' },
    ...OUTCOMES.map((outcome) => ({ value: outcome, label: OUTCOME_WORDS[outcome] })),
  ];
  const selected = (options: SelectProps.Option[], value: string | undefined) =>
    options.find((option) => option.value === (value ?? ANY)) ?? null;
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <Select
        ariaLabel="Camera"
        options={cameraOptions}
        selectedOption={selected(cameraOptions, filter.camera)}
        onChange={({ detail }) =>
          onChange({ ...filter, camera: detail.selectedOption.value ?? ANY })
        }
      />
      <Select
        ariaLabel="Verdict"
        options={outcomeOptions}
        selectedOption={selected(outcomeOptions, filter.outcome)}
        onChange={({ detail }) =>
          onChange({ ...filter, outcome: detail.selectedOption.value ?? ANY })
        }
      />
      <Input
        ariaLabel="Label found"
        type="search"
        placeholder="Label, such as person"
        value={label}
        onChange={({ detail }) => {
          setLabel(detail.value);
          if (detail.value === '') onChange({ ...filter, label: ANY });
        }}
        onBlur={() => onChange({ ...filter, label: label.trim() })}
        onKeyDown={({ detail }) => {
          if (detail.key === 'Enter') onChange({ ...filter, label: label.trim() });
        }}
      />
    </SpaceBetween>
  );
}

interface StoredResults {
  readonly results: readonly InferenceResult[];
  readonly isLoading: boolean;
  readonly problem?: string;
}

function useStoredResults(filter: ResultFilter, isConnected: boolean): StoredResults {
  const [stored, setStored] = useState<StoredResults>({ results: [], isLoading: true });
  const { camera = '', outcome = '', label = '' } = filter;
  useEffect(() => {
    if (!isConnected) return;
    let isCurrent = true;
    setStored({ results: [], isLoading: true });
    fetchResults({ camera, outcome, label }, MAX_ROWS)
      .then((results) => isCurrent && setStored({ results, isLoading: false }))
      .catch((error: Error) => {
        const problem = `The verdicts could not be read: ${error.message}`;
        if (isCurrent) setStored({ results: [], isLoading: false, problem });
      });
    return () => {
      isCurrent = false;
    };
  }, [camera, outcome, label, isConnected]);
  return stored;
}

function mergeResults(
  newResults: readonly InferenceResult[],
  stored: readonly InferenceResult[],
  filter: ResultFilter,
): readonly InferenceResult[] {
  const fitting = newResults.filter((result) => fits(result, filter));
  const known = new Set(fitting.map((result) => result.id));
  return [...fitting, ...stored.filter((result) => !known.has(result.id))].slice(0, MAX_ROWS);
}

function fits(result: InferenceResult, { camera, outcome, label }: ResultFilter): boolean {
  const found = [...(result.detections ?? []), ...(result.classes ?? [])];
  return (
    (!camera || result.camera === camera) &&
    (!outcome || result.verdict.outcome === outcome) &&
    (!label || found.some((finding) => finding.label === label))
  );
}

/** The value as it was when holding began. */
function useHeld<T>(value: T, isHeld: boolean): T {
  const [held, setHeld] = useState(value);
  useEffect(() => {
    if (!isHeld) setHeld(value);
  }, [value, isHeld]);
  return isHeld ? held : value;
}
