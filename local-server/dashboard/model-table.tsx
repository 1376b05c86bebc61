import { Header, StatusIndicator, Table } from '@cloudscape-design/components';
import type { ModelStatus } from '../../component/contract/ports.ts';
import { ModelVersions } from './model-versions.tsx';
import { MODEL_STATES } from './operator-words.ts';
import { useMediaQuery } from './use-media-query.ts';

export function ModelTable({
  models,
  isConnected,
}: {
  models: readonly ModelStatus[];
  isConnected: boolean;
}) {
  const isNarrow = useMediaQuery('(max-width: 700px)');
  return (
    <Table
      variant="container"
      trackBy="name"
      wrapLines
      items={[...models]}
      header={<Header variant="h2">Models</Header>}
      ariaLabels={{ tableLabel: 'Models' }}
      empty="No model is configured"
      visibleColumns={
        isNarrow
          ? ['name', 'state', 'version']
          : ['name', 'state', 'version', 'workers', 'waiting', 'answers']
      }
      columnDefinitions={[
        { id: 'name', header: 'Model', isRowHeader: true, cell: (model) => model.name },
        {
          id: 'state',
          header: 'State',
          minWidth: 100,
          cell: (model) => <State model={model} isConnected={isConnected} />,
        },
        {
          id: 'version',
          header: 'Versions',
          cell: (model) => <ModelVersions model={model} isConnected={isConnected} />,
        },
        {
          id: 'workers',
          header: 'Workers ready',
          cell: (model) => (
            <span className="number">{`${model.readyWorkers} of ${model.workers}`}</span>
          ),
        },
        {
          id: 'waiting',
          header: 'Waiting',
          cell: (model) => <span className="number">{model.queueDepth}</span>,
        },
        {
          id: 'answers',
          header: 'Answers',
          cell: (model) => (
            <span className="number">
              {model.inferences.toLocaleString()}
              {model.failures > 0 ? `, ${model.failures.toLocaleString()} failed` : ''}
            </span>
          ),
        },
      ]}
    />
  );
}

function State({ model, isConnected }: { model: ModelStatus; isConnected: boolean }) {
  if (!isConnected) return <StatusIndicator type="pending">Unknown</StatusIndicator>;
  const [indicator, word] = MODEL_STATES[model.state];
  return (
    <>
      <StatusIndicator type={indicator}>{word}</StatusIndicator>
      {model.reason !== undefined && <div className="secondary">{model.reason.message}</div>}
    </>
  );
}
