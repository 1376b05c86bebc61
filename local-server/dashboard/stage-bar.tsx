import type { CameraStatus } from '../../component/contract/ports.ts';
import { millisecondsText, STAGE_WORDS } from './operator-words.ts';

type ShownStage = keyof typeof STAGE_WORDS;
const STAGES = Object.keys(STAGE_WORDS) as ShownStage[];

/** Where the time of a picture goes: one bar, one part for each stage; nothing without a picture. */
export function StageBar({ stageMs }: { stageMs: CameraStatus['stageMs'] }) {
  if (stageMs.total === 0) return <p className="secondary">Nothing judged in the last seconds</p>;
  const sum = STAGES.reduce((total, stage) => total + stageMs[stage], 0);
  return (
    <div className="stages">
      <div className="stages-title">
        Time per picture <strong>{millisecondsText(stageMs.total)}</strong>
      </div>
      <div className="stage-bar" aria-hidden="true">
        {STAGES.map((stage) => (
          <span
            key={stage}
            className={`stage-${stage}`}
            style={{ flexGrow: sum > 0 ? stageMs[stage] / sum : 0 }}
          />
        ))}
      </div>
      <ul className="stage-legend">
        {STAGES.map((stage) => (
          <li key={stage}>
            <span className={`stage-dot stage-${stage}`} aria-hidden="true" />
            {STAGE_WORDS[stage]} <span className="number">{millisecondsText(stageMs[stage])}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
