import {
  Alert,
  Button,
  FormField,
  Input,
  Modal,
  Select,
  SpaceBetween,
  StatusIndicator,
} from '@cloudscape-design/components';
import { useState } from 'react';
import {
  COUNTING_SECONDS,
  isHttp,
  isRtsp,
  OPENING_SECONDS,
  probeCamera,
  sourceOf,
  type SeenSource,
  type SourceForm,
} from './camera-search.ts';
import { LoginFields } from './login-fields.tsx';
import { SeenCamera } from './seen-camera.tsx';
import { useFirstFocus } from './use-first-focus.ts';
import { useRequest } from './use-request.ts';
import { Words } from './words.tsx';

interface TryCameraProps {
  start: SourceForm;
  models: readonly string[];
  onFind: () => void;
  onClose: () => void;
}

const HTTP_KINDS = [
  { value: 'http-mjpeg', label: 'MJPEG stream' },
  { value: 'http-snapshot', label: 'Single pictures' },
  { value: 'ffmpeg', label: 'Other video' },
] as const;
const TRANSPORTS = [
  { value: 'tcp', label: 'TCP' },
  { value: 'udp', label: 'UDP' },
] as const;
const MOST_SECONDS = OPENING_SECONDS + COUNTING_SECONDS;

/** Opens one source and shows what it gives, or says what is wrong. */
export function TryCamera({ start, models, onFind, onClose }: TryCameraProps) {
  const [form, setForm] = useState(start);
  const [tried, setTried] = useState(start);
  const [problem, setProblem] = useState('');
  const probe = useRequest<SeenSource>();
  const first = useFirstFocus();
  const { state } = probe;
  const change = (part: Partial<SourceForm>) => setForm((last) => ({ ...last, ...part }));
  const submit = () => {
    const source = sourceOf(form);
    if (source === undefined) {
      setProblem('Expected rtsp://…, http://…, /dev/video0 or genicam:NAME.');
      return;
    }
    setProblem('');
    setTried(form);
    probe.start((signal) => probeCamera(source, form.password, signal));
  };

  return (
    <Modal
      visible
      size="large"
      header="Try a camera"
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <div className="dialog-actions">
          <Button variant="link" onClick={onFind}>
            Find cameras
          </Button>
          <Button onClick={onClose}>Close</Button>
        </div>
      }
    >
      <SpaceBetween size="l">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <SpaceBetween size="m">
            <FormField
              label="Address"
              description="rtsp://…, http://…, a device such as /dev/video0, or genicam: and the name of an industrial camera"
              errorText={problem}
            >
              <Input
                ref={first}
                spellcheck={false}
                autoComplete={false}
                placeholder="rtsp://192.168.1.20/stream"
                value={form.address}
                onChange={({ detail }) => change({ address: detail.value })}
              />
            </FormField>
            <div className="form-row">
              {isHttp(form.address) && (
                <FormField label="What is there">
                  <Select
                    selectedOption={HTTP_KINDS.find(({ value }) => value === form.httpKind)!}
                    options={HTTP_KINDS}
                    onChange={({ detail }) =>
                      change({
                        httpKind: detail.selectedOption.value as SourceForm['httpKind'],
                      })
                    }
                  />
                </FormField>
              )}
              {isRtsp(form.address) && (
                <FormField label="Transport">
                  <Select
                    selectedOption={TRANSPORTS.find(({ value }) => value === form.transport)!}
                    options={TRANSPORTS}
                    onChange={({ detail }) =>
                      change({
                        transport: detail.selectedOption.value as SourceForm['transport'],
                      })
                    }
                  />
                </FormField>
              )}
              {(isHttp(form.address) || isRtsp(form.address)) && (
                <LoginFields userLabel="User" login={form} onChange={change} />
              )}
            </div>
            <SpaceBetween size="s" direction="horizontal" alignItems="center">
              <Button
                variant="primary"
                formAction="submit"
                disabled={form.address.trim() === '' || state.kind === 'running'}
              >
                Try
              </Button>
              {state.kind === 'running' && <Button onClick={probe.stop}>Stop</Button>}
            </SpaceBetween>
          </SpaceBetween>
        </form>
        <div role="status">
          {state.kind === 'running' && (
            <StatusIndicator type="in-progress">
              {`Opening ${tried.address.trim()}`}
              {/* Read out once, and not every second. */}
              <span aria-hidden="true">{`, ${state.seconds} s of at most ${MOST_SECONDS} s`}</span>
            </StatusIndicator>
          )}
          {state.kind === 'failed' && (
            <Alert type="error" header="No picture came">
              <Words text={state.message} />
            </Alert>
          )}
          {state.kind === 'done' && (
            <StatusIndicator type="success">{`Pictures come from ${tried.address.trim()}`}</StatusIndicator>
          )}
        </div>
        {state.kind === 'done' && <SeenCamera seen={state.answer} form={tried} models={models} />}
      </SpaceBetween>
    </Modal>
  );
}
