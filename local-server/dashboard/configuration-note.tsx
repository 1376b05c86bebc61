import { Alert, StatusIndicator } from '@cloudscape-design/components';
import type { ConfigurationStatus } from '../../component/contract/configuration-status.ts';
import { timeText } from './operator-words.ts';

interface Problem {
  readonly path: string;
  readonly message: string;
}

/** Why what was asked for last is not in force; nothing when it is. */
export function ConfigurationNote({ status }: { status: ConfigurationStatus | undefined }) {
  if (status?.refusal === undefined) return null;
  const { atMs, error } = status.refusal;
  const problems = error.details?.['problems'] as readonly Problem[] | undefined;
  return (
    <Alert type="warning" header={`A new configuration was refused at ${timeText(atMs)}`}>
      {`The one in force since ${timeText(status.inForceSinceMs)} goes on. `}
      {problems === undefined ? (
        error.message
      ) : (
        <ul>
          {problems.map(({ path, message }) => (
            <li key={path + message}>{`${path}: ${message}`}</li>
          ))}
        </ul>
      )}
    </Alert>
  );
}

export function ConfigurationState({ status }: { status: ConfigurationStatus | undefined }) {
  if (status === undefined) return null;
  if (status.isApplying) {
    return <StatusIndicator type="in-progress">Configuration is changing</StatusIndicator>;
  }
  const since = timeText(status.inForceSinceMs);
  return (
    <span className="secondary">{`configuration ${status.hash.slice(0, 6)} since ${since}`}</span>
  );
}
