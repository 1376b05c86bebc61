import { Alert, ExpandableSection, SpaceBetween } from '@cloudscape-design/components';
import type { Notice } from '../../component/contract/ports.ts';
import { counted } from './operator-words.ts';

const SHOWN_AT_ONCE = 2;

/** What the device wants an operator to know; older notices are folded away. */
export function NoticeList({ notices }: { notices: readonly Notice[] }) {
  if (notices.length === 0) return null;
  const older = notices.slice(SHOWN_AT_ONCE);
  return (
    <SpaceBetween size="xs">
      {notices.slice(0, SHOWN_AT_ONCE).map(noticeAlert)}
      {older.length > 0 && (
        <ExpandableSection headerText={`${counted(older.length, 'older notice')}`}>
          <SpaceBetween size="xs">{older.map(noticeAlert)}</SpaceBetween>
        </ExpandableSection>
      )}
    </SpaceBetween>
  );
}

function noticeAlert({ atMs, level, error }: Notice) {
  return (
    <Alert key={`${atMs} ${error.message}`} type={level === 'error' ? 'error' : 'warning'}>
      {error.message} <span className="secondary">{new Date(atMs).toLocaleString()}</span>
    </Alert>
  );
}
