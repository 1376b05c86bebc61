import type { ConfigurationStatus } from '../../component/contract/configuration-status.ts';
import type { CameraStatus, ModelStatus, Notice } from '../../component/contract/ports.ts';
import type { InferenceResult } from '../../component/contract/result.ts';
import type { DeviceStatus } from '../routes/status.ts';

/** `lost`: nothing of what is shown can be taken for the present. */
export type Connection = 'connecting' | 'connected' | 'lost' | 'needs-token';

export interface DeviceState {
  readonly connection: Connection;
  /** Browser's clock, when the connection changed. */
  readonly connectionSinceMs: number;
  readonly status?: DeviceStatus;
  readonly configuration?: ConfigurationStatus;
  /** Device's clock minus the browser's. */
  readonly clockOffsetMs: number;
  readonly cameras: Readonly<Record<string, CameraStatus>>;
  readonly lastResults: Readonly<Record<string, InferenceResult>>;
  readonly models: Readonly<Record<string, ModelStatus>>;
  readonly notices: readonly Notice[];
  /** Newest first; what the events brought since the connection began. */
  readonly newResults: readonly InferenceResult[];
  readonly missedResults: number;
}

export type DeviceMessage =
  | { readonly kind: 'connection'; readonly connection: Connection; readonly nowMs: number }
  | { readonly kind: 'status'; readonly status: DeviceStatus; readonly nowMs: number }
  | { readonly kind: 'configuration'; readonly configuration: ConfigurationStatus }
  | { readonly kind: 'camera'; readonly camera: CameraStatus }
  | { readonly kind: 'model'; readonly model: ModelStatus }
  | { readonly kind: 'notice'; readonly notice: Notice }
  | { readonly kind: 'result'; readonly result: InferenceResult }
  | { readonly kind: 'lagged'; readonly missedResults: number };

export const MAX_NEW_RESULTS = 200;
const MAX_NOTICES = 50;

export const initialState: DeviceState = {
  connection: 'connecting',
  connectionSinceMs: 0,
  clockOffsetMs: 0,
  cameras: {},
  lastResults: {},
  models: {},
  notices: [],
  newResults: [],
  missedResults: 0,
};

/** Several messages at once, since they can come by the hundred a second. */
export function applyMessages(state: DeviceState, messages: readonly DeviceMessage[]): DeviceState {
  return messages.reduce(applyMessage, state);
}

function applyMessage(state: DeviceState, message: DeviceMessage): DeviceState {
  switch (message.kind) {
    case 'connection':
      return connectionChanged(state, message.connection, message.nowMs);
    case 'status':
      return {
        ...state,
        status: message.status,
        clockOffsetMs: Date.parse(message.status.time) - message.nowMs,
      };
    case 'configuration':
      return configurationChanged(state, message.configuration);
    case 'camera':
      return { ...state, cameras: { ...state.cameras, [message.camera.name]: message.camera } };
    case 'model':
      return { ...state, models: { ...state.models, [message.model.name]: message.model } };
    case 'notice':
      return { ...state, notices: withNotice(state.notices, message.notice) };
    case 'result':
      return withResult(state, message.result);
    case 'lagged':
      return { ...state, missedResults: state.missedResults + message.missedResults };
  }
}

/** A new connection brings the state of everything anew; what is gone must not linger. */
function connectionChanged(state: DeviceState, connection: Connection, nowMs: number): DeviceState {
  if (state.connection === connection) return state;
  const changed = { ...state, connection, connectionSinceMs: nowMs };
  if (connection !== 'connected') return changed;
  return { ...changed, cameras: {}, models: {}, notices: [], newResults: [], missedResults: 0 };
}

/** Cameras and models of another configuration follow; those of before may no longer be there. */
function configurationChanged(state: DeviceState, configuration: ConfigurationStatus): DeviceState {
  if (state.configuration?.hash === configuration.hash) return { ...state, configuration };
  return { ...state, configuration, cameras: {}, models: {} };
}

function withNotice(notices: readonly Notice[], notice: Notice): readonly Notice[] {
  const isKnown = notices.some(
    (known) => known.atMs === notice.atMs && known.error.message === notice.error.message,
  );
  return isKnown ? notices : [notice, ...notices].slice(0, MAX_NOTICES);
}

function withResult(state: DeviceState, result: InferenceResult): DeviceState {
  const lastResults =
    result.camera === undefined
      ? state.lastResults
      : { ...state.lastResults, [result.camera]: result };
  return {
    ...state,
    lastResults,
    newResults: [result, ...state.newResults].slice(0, MAX_NEW_RESULTS),
  };
}
