import { Alert, SpaceBetween, StatusIndicator } from '@cloudscape-design/components';
import { useEffect, useState } from 'react';
import type { InferenceResult } from '../../component/contract/result.ts';
import { CameraCard } from './camera-card.tsx';
import { CameraTools } from './camera-tools.tsx';
import { ConfigurationNote, ConfigurationState } from './configuration-note.tsx';
import { DeliveryLine } from './delivery-line.tsx';
import type { DeviceState } from './device-state.ts';
import { LineSection } from './line-section.tsx';
import { ModelTable } from './model-table.tsx';
import { NoticeList } from './notice-list.tsx';
import { counted, durationText, timeText } from './operator-words.ts';
import { SignIn } from './sign-in.tsx';
import { useDevice } from './use-device.ts';
import { VerdictDetail } from './verdict-detail.tsx';
import { VerdictTable } from './verdict-table.tsx';

/** Cameras that stream; with the events and a request or two a browser has no more connections. */
const MAX_STREAMS = 3;

export function Dashboard() {
  const device = useDevice();
  const [opened, setOpened] = useState<InferenceResult>();
  const nowMs = useClock() + device.clockOffsetMs;
  const isConnected = device.connection === 'connected';
  const cameras = Object.values(device.cameras);
  const { thing } = device.status ?? {};
  useEffect(() => {
    document.title = thing === undefined ? 'Vedette' : `${thing} – Vedette`;
  }, [thing]);

  return (
    <>
      <PageHeader device={device} />
      <main className="page">
        {device.connection === 'needs-token' ? (
          <SignIn />
        ) : (
          <SpaceBetween size="l">
            <ConnectionNote device={device} />
            <ConfigurationNote status={device.configuration} />
            <NoticeList notices={device.notices} />
            <CameraTools models={Object.keys(device.models)} isConnected={isConnected} />
            <div className={isConnected ? '' : 'stale'}>
              <SpaceBetween size="l">
                <section className="cameras" aria-label="Cameras">
                  {cameras.map((camera, index) => (
                    <CameraCard
                      key={camera.name}
                      camera={camera}
                      model={device.models[camera.model]}
                      lastResult={device.lastResults[camera.name]}
                      isConnected={isConnected}
                      mayStream={index < MAX_STREAMS}
                      nowMs={nowMs}
                      onOpen={setOpened}
                    />
                  ))}
                  {isConnected && cameras.length === 0 && <p>No camera is configured.</p>}
                </section>
                <LineSection
                  isTriggered={cameras.some(({ triggers }) => triggers !== undefined)}
                  isConnected={isConnected}
                  onOpen={setOpened}
                />
                <VerdictTable
                  cameras={cameras.map((camera) => camera.name)}
                  newResults={device.newResults}
                  missedResults={device.missedResults}
                  isConnected={isConnected}
                  onOpen={setOpened}
                />
                <DeliveryLine isConnected={isConnected} />
                <ModelTable models={Object.values(device.models)} isConnected={isConnected} />
              </SpaceBetween>
            </div>
          </SpaceBetween>
        )}
      </main>
      <VerdictDetail result={opened} onClose={() => setOpened(undefined)} />
    </>
  );
}

function PageHeader({ device }: { device: DeviceState }) {
  const { status, connection } = device;
  const isConnected = connection === 'connected';
  return (
    <header className="page-header">
      <h1>
        {status?.thing ?? 'Vedette'}
        {status !== undefined && <span className="secondary"> Vedette {status.version}</span>}
      </h1>
      <div className="page-states" role="status">
        {isConnected && status !== undefined && (
          <>
            <Readiness device={device} />
            <ConfigurationState status={device.configuration} />
            <span className="secondary">running for {durationText(status.uptimeSeconds)}</span>
          </>
        )}
        {connection !== 'needs-token' && <ConnectionState connection={connection} />}
      </div>
    </header>
  );
}

function Readiness({ device }: { device: DeviceState }) {
  const models = Object.values(device.models);
  const failed = models.filter((model) => model.state === 'failed').length;
  if (failed > 0) {
    const text = `${failed} of ${counted(models.length, 'model')} not working`;
    return <StatusIndicator type="error">{text}</StatusIndicator>;
  }
  if (models.every((model) => model.state === 'ready')) {
    return <StatusIndicator type="success">All models ready</StatusIndicator>;
  }
  return <StatusIndicator type="in-progress">Models are getting ready</StatusIndicator>;
}

function ConnectionState({ connection }: Pick<DeviceState, 'connection'>) {
  if (connection === 'connected') return <StatusIndicator type="success">Live</StatusIndicator>;
  if (connection === 'lost') return <StatusIndicator type="error">Not connected</StatusIndicator>;
  return <StatusIndicator type="in-progress">Connecting</StatusIndicator>;
}

function ConnectionNote({ device }: { device: DeviceState }) {
  if (device.connection !== 'lost') return null;
  const since = timeText(device.connectionSinceMs);
  return (
    <Alert type="error" header={`No connection to the device since ${since}`}>
      What is shown below is from before. The page connects again by itself.
    </Alert>
  );
}

/** The browser's clock, once a second. */
function useClock(): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNowMs(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return nowMs;
}
