import { Button, SpaceBetween } from '@cloudscape-design/components';
import { useState } from 'react';
import { EMPTY_SOURCE, type SourceForm } from './camera-search.ts';
import { FindCameras } from './find-cameras.tsx';
import { TryCamera } from './try-camera.tsx';

interface CameraToolsProps {
  /** Of whom a new camera may be judged. */
  models: readonly string[];
  isConnected: boolean;
}

/** Finds cameras and tries them, before they are in any configuration. */
export function CameraTools({ models, isConnected }: CameraToolsProps) {
  const [shown, setShown] = useState<'find' | 'try'>();
  const [source, setSource] = useState<SourceForm>(EMPTY_SOURCE);
  const tryIt = (chosen: SourceForm) => {
    setSource(chosen);
    setShown('try');
  };
  const close = () => setShown(undefined);
  return (
    <div className="camera-tools">
      <SpaceBetween size="xs" direction="horizontal">
        <Button iconName="search" disabled={!isConnected} onClick={() => setShown('find')}>
          Find cameras
        </Button>
        <Button disabled={!isConnected} onClick={() => tryIt(EMPTY_SOURCE)}>
          Try a camera
        </Button>
      </SpaceBetween>
      {shown === 'find' && <FindCameras onTry={tryIt} onClose={close} />}
      {shown === 'try' && (
        <TryCamera start={source} models={models} onFind={() => setShown('find')} onClose={close} />
      )}
    </div>
  );
}
