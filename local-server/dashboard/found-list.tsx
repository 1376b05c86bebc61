import { Button, StatusIndicator } from '@cloudscape-design/components';
import type { ReactNode } from 'react';
import type {
  FoundCameras,
  LocalCamera,
  NetworkCamera,
} from '../../component/camera/discovery/discover-cameras.ts';
import { deviceSizeText } from '../../component/contract/device-size-text.ts';
import type { SerializedError } from '../../component/contract/errors.ts';
import { GENICAM_PREFIX, type SourceForm } from './camera-search.ts';

interface FoundListProps {
  found: FoundCameras;
  onTry: (source: Partial<SourceForm>) => void;
  /** This camera tells its streams to who logs in. */
  onLogin: (address: string) => void;
}

export function FoundList({ found, onTry, onLogin }: FoundListProps) {
  const { network, networkProblem, usb, genicam } = found;
  return (
    <div className="found">
      <FoundSection
        title="On the network (ONVIF)"
        isEmpty={network.length === 0}
        note={networkProblem?.message}
      >
        {network.map((camera) => (
          <NetworkItem key={camera.service} camera={camera} onTry={onTry} onLogin={onLogin} />
        ))}
      </FoundSection>
      {usb !== undefined && (
        <>
          <FoundSection title="On this machine (USB)" isEmpty={usb.length === 0}>
            {usb.map((camera) => (
              <LocalItem key={camera.device} camera={camera} onTry={onTry} />
            ))}
          </FoundSection>
          <FoundSection
            title="Industrial (GenICam)"
            isEmpty={genicam?.length === 0}
            note={
              genicam === undefined
                ? 'Not looked for: arv-tool-0.8 (Debian: aravis-tools-cli) is not installed on the device.'
                : undefined
            }
          >
            {genicam?.map(({ name, camera }) => (
              <li key={camera}>
                <div className="found-source">
                  <span>
                    <strong>{name}</strong> <span className="secondary">{camera}</span>
                  </span>
                  <TryButton
                    what={name}
                    onClick={() => onTry({ address: GENICAM_PREFIX + camera, name })}
                  />
                </div>
              </li>
            ))}
          </FoundSection>
        </>
      )}
    </div>
  );
}

function FoundSection(props: {
  title: string;
  isEmpty: boolean;
  note?: string | undefined;
  children: ReactNode;
}) {
  const { title, isEmpty, note, children } = props;
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {note !== undefined || isEmpty ? (
        <p className="secondary">{note ?? 'None found'}</p>
      ) : (
        <ul>{children}</ul>
      )}
    </section>
  );
}

function NetworkItem({
  camera,
  onTry,
  onLogin,
}: { camera: NetworkCamera } & Omit<FoundListProps, 'found'>) {
  const { address, name, hardware } = camera;
  return (
    <li>
      <strong>{name ?? address}</strong>{' '}
      <span className="secondary">{[hardware, name && address].filter(Boolean).join(', ')}</span>
      {'problem' in camera ? (
        <div className="found-source">
          <span className="attention">{whyNoStreams(camera.problem)}</span>
          {camera.problem.code === 'CAMERA_LOGIN_REFUSED' && (
            <Button onClick={() => onLogin(address)} ariaLabel={`Log in to ${name ?? address}`}>
              Log in
            </Button>
          )}
        </div>
      ) : (
        camera.streams.map(({ url, encoding, width, height, framesPerSecond }) => (
          <div key={url} className="found-source">
            <span>
              <code>{url}</code>{' '}
              <span className="secondary">
                {[
                  encoding,
                  width === undefined ? undefined : `${width} × ${height}`,
                  framesPerSecond === undefined ? undefined : `${framesPerSecond} a second`,
                ]
                  .filter(Boolean)
                  .join(', ')}
              </span>
            </span>
            <TryButton what={url} onClick={() => onTry({ address: url, name })} />
          </div>
        ))
      )}
    </li>
  );
}

const whyNoStreams = ({ code, message }: SerializedError): string =>
  code === 'CAMERA_LOGIN_REFUSED'
    ? 'It wants an ONVIF user and a password, which are often apart from those of its web page, or refuses those that were given.'
    : message;

function LocalItem({ camera, onTry }: { camera: LocalCamera } & Pick<FoundListProps, 'onTry'>) {
  const { device, name, formats } = camera;
  return (
    <li>
      <div className="found-source">
        <span>
          <strong>{name}</strong> <code>{device}</code>
        </span>
        <TryButton what={device} onClick={() => onTry({ address: device, name })} />
      </div>
      {formats.length === 0 && (
        <StatusIndicator type="warning">Gives no pictures, or is in use</StatusIndicator>
      )}
      {formats.map((format) => (
        <div key={format.name} className="secondary">
          {`${format.name}: ${format.sizes.map(deviceSizeText).join(', ')}`}
        </div>
      ))}
    </li>
  );
}

const TryButton = ({ what, onClick }: { what: string; onClick: () => void }) => (
  <Button onClick={onClick} ariaLabel={`Try ${what}`}>
    Try
  </Button>
);
