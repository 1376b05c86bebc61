import { useEffect, useState } from 'react';

const RETRY_MS = 3000;
const SNAPSHOT_MS = 1000;

interface LiveViewProps {
  camera: string;
  title: string;
  /** Why there can be no live picture now; it is said in place of an old one. */
  unavailable?: string | undefined;
  /** A browser keeps six connections to a server, so only some cameras may stream. */
  mayStream: boolean;
}

export function LiveView({ camera, title, unavailable, mayStream }: LiveViewProps) {
  const isVisible = usePageIsVisible();
  const [attempt, setAttempt] = useState(0);
  const [shown, setShown] = useState<'waiting' | 'picture' | 'failed'>('waiting');
  const isPaused = unavailable !== undefined || !isVisible;

  useEffect(() => {
    if (isPaused) setShown('waiting');
  }, [isPaused]);

  useEffect(() => {
    if (isPaused || shown === 'waiting') return;
    if (shown === 'picture' && mayStream) return;
    const wait = shown === 'failed' ? RETRY_MS : SNAPSHOT_MS;
    const timer = window.setTimeout(() => setAttempt((last) => last + 1), wait);
    return () => window.clearTimeout(timer);
  }, [isPaused, shown, mayStream, attempt]);

  const kind = mayStream ? 'live' : 'snapshot';
  const note = unavailable ?? (shown === 'failed' ? 'No picture yet' : 'Waiting for a picture');
  return (
    <div className="live-view">
      {!isPaused && (
        <img
          key={mayStream ? attempt : camera}
          src={`/api/v1/cameras/${camera}/${kind}?attempt=${attempt}`}
          alt={`What ${title} sees`}
          hidden={shown !== 'picture'}
          onLoad={() => setShown('picture')}
          onError={() => setShown('failed')}
        />
      )}
      {(isPaused || shown !== 'picture') && <p className="live-note">{note}</p>}
    </div>
  );
}

function usePageIsVisible(): boolean {
  const [isVisible, setIsVisible] = useState(!document.hidden);
  useEffect(() => {
    const update = () => setIsVisible(!document.hidden);
    document.addEventListener('visibilitychange', update);
    return () => document.removeEventListener('visibilitychange', update);
  }, []);
  return isVisible;
}
