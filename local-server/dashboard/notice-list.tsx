import { Alert, ExpandableSection, SpaceBetween } from '@cloudscape-design/components';
import { ERROR_CODES } from '../../component/contract/errors.ts';
import type { Notice } from '../../component/contract/ports.ts';
import { counted } from './operator-words.ts';
import { Words } from './words.tsx';

const SHOWN_AT_ONCE = 2;

/** What the device wants an operator to know; errors first; what is older is folded away. */
export function NoticeList({ notices }: { notices: readonly Notice[] }) {
  if (notices.length === 0) return null;
  const worstFirst = [...notices].sort((a, b) => severity(b) - severity(a));
  const older = worstFirst.slice(SHOWN_AT_ONCE);
  return (
    <SpaceBetween size="xs">
      {worstFirst.slice(0, SHOWN_AT_ONCE).map(noticeAlert)}
      {older.length > 0 && (
        <ExpandableSection headerText={`${counted(older.length, 'more notice')}`}>
          <SpaceBetween size="xs">{older.map(noticeAlert)}</SpaceBetween>
        </ExpandableSection>
      )}
    </SpaceBetween>
  );
}

const SEVERITIES = { info: 0, warn: 1, error: 2 };
const ALERTS = { info: 'info', warn: 'warning', error: 'error' } as const;
const severity = ({ level }: Notice): number => SEVERITIES[level];

function noticeAlert({ atMs, level, error }: Notice) {
  return (
    <Alert key={`${atMs} ${error.message}`} type={ALERTS[level]}>
      <Words text={error.message} />{' '}
      <span className="secondary">{new Date(atMs).toLocaleString()}</span>
      {level !== 'info' && (
        <div className="secondary">
          <Words text={ERROR_CODES[error.code]?.remedy} />
        </div>
      )}
    </Alert>
  );
}
