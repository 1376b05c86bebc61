import type { CameraStatus } from '../../component/contract/ports.ts';
import { durationText } from './operator-words.ts';

/** What is in a camera's zones now, and what crossed its lines. */
export function SpaceCounts({ space }: { space: NonNullable<CameraStatus['space']> }) {
  const zones = Object.entries(space.zones);
  const lines = Object.entries(space.lines);
  if (zones.length + lines.length === 0) return null;
  return (
    <dl className="numbers">
      {zones.map(([name, { count, entered, longestDwellMs }]) => (
        <div key={`zone ${name}`}>
          <dt>Zone {name}</dt>
          <dd>
            <span className="number">{count.toLocaleString()}</span> now{' '}
            <span className="secondary">
              {longestDwellMs !== undefined && `longest ${durationText(longestDwellMs / 1000)}, `}
              {entered.toLocaleString()} entered
            </span>
          </dd>
        </div>
      ))}
      {lines.map(([name, { forward, backward }]) => (
        <div key={`line ${name}`}>
          <dt>Line {name}</dt>
          <dd>
            <span className="number">{forward.toLocaleString()}</span> forward{' '}
            <span className="number">{backward.toLocaleString()}</span> backward
          </dd>
        </div>
      ))}
    </dl>
  );
}
