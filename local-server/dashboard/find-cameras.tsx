import {
  Alert,
  Button,
  FormField,
  Input,
  Modal,
  SpaceBetween,
  StatusIndicator,
} from '@cloudscape-design/components';
import type { InputProps } from '@cloudscape-design/components';
import { useRef, useState } from 'react';
import type { FoundCameras } from '../../component/camera/discovery/discover-cameras.ts';
import {
  discoverCameras,
  EMPTY_SOURCE,
  type SearchForm,
  type SourceForm,
} from './camera-search.ts';
import { FoundList } from './found-list.tsx';
import { LoginFields } from './login-fields.tsx';
import { counted } from './operator-words.ts';
import { useFirstFocus } from './use-first-focus.ts';
import { useRequest } from './use-request.ts';
import { Words } from './words.tsx';

interface FindCamerasProps {
  onTry: (source: SourceForm) => void;
  onClose: () => void;
}

/** Lists the cameras of the network and of this machine. */
export function FindCameras({ onTry, onClose }: FindCamerasProps) {
  const [form, setForm] = useState<SearchForm>({ address: '', username: '', password: '' });
  const search = useRequest<FoundCameras>();
  const { state } = search;
  const first = useFirstFocus();
  const user = useRef<InputProps.Ref>(null);
  const change = (part: Partial<SearchForm>) => setForm((last) => ({ ...last, ...part }));
  const submit = () => search.start((signal) => discoverCameras(form, signal));

  const giveLogin = (address: string) => {
    // An address with a port, where that was asked, is where the camera answered.
    if (!form.address.startsWith(address)) change({ address });
    user.current?.focus();
  };
  const { username, password } = form;
  return (
    <Modal
      visible
      size="large"
      header="Find cameras"
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <div className="dialog-actions">
          <Button variant="link" onClick={() => onTry(EMPTY_SOURCE)}>
            Try an address
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
            <div className="form-row">
              <FormField label="Ask only this address">
                <Input
                  ref={first}
                  spellcheck={false}
                  autoComplete={false}
                  placeholder="all of the network"
                  value={form.address}
                  onChange={({ detail }) => change({ address: detail.value })}
                />
              </FormField>
              <LoginFields userLabel="ONVIF user" login={form} onChange={change} userRef={user} />
            </div>
            <Button variant="primary" formAction="submit" disabled={state.kind === 'running'}>
              Search
            </Button>
          </SpaceBetween>
        </form>
        <div role="status">
          {state.kind === 'running' && (
            <StatusIndicator type="in-progress">Searching</StatusIndicator>
          )}
          {state.kind === 'failed' && (
            <Alert type="error" header="The search failed">
              <Words text={state.message} />
            </Alert>
          )}
          {state.kind === 'done' && countText(state.answer)}
        </div>
        {state.kind === 'done' && (
          <FoundList
            found={state.answer}
            onTry={(source) =>
              onTry({
                ...EMPTY_SOURCE,
                ...(isOnvif(source) ? { username, password } : {}),
                ...source,
              })
            }
            onLogin={giveLogin}
          />
        )}
      </SpaceBetween>
    </Modal>
  );
}

const isOnvif = ({ address = '' }: Partial<SourceForm>) => address.startsWith('rtsp');

function countText({ network, usb = [], genicam = [] }: FoundCameras): string {
  const count = network.length + usb.length + genicam.length;
  return count === 0
    ? 'No camera answered. Cameras answer where ONVIF is switched on and multicast gets through; one that does not can be asked by its address.'
    : `${counted(count, 'camera')} found`;
}
