import type { Size } from '../component/contract/frame.ts';
import { callAddon } from './addon.ts';

/** How a GenICam camera is set; what is absent stays as the camera has it. */
export interface GenicamSettings {
  /** Its IP address, serial number or name. */
  readonly camera: string;
  /** Number of the GenICam Pixel Format Naming Convention, of whole bytes. */
  readonly pixelFormat: number;
  readonly size?: Size | undefined;
  readonly offset?: { readonly x: number; readonly y: number } | undefined;
  readonly framesPerSecond?: number | undefined;
  readonly exposureUs?: number | undefined;
  readonly exposureAuto?: string | undefined;
  readonly gainDb?: number | undefined;
  readonly gainAuto?: string | undefined;
  /** Values of SFNC's TriggerSource and TriggerActivation; absent: the camera runs freely. */
  readonly trigger?:
    { readonly source: string; readonly activation?: string | undefined } | undefined;
  readonly resendsPackets: boolean;
}

/** Where pictures go: packed rows, one picture after another. */
export interface GenicamOutput {
  readonly descriptor: number;
  /** Pictures of another size end the stream. */
  readonly size: Size;
}

/** Called while the stream runs; `number` is an ArvBufferStatus of `incomplete`, a count of `overrun`. */
export type GenicamTell = (news: 'open' | 'incomplete' | 'overrun', number: number) => void;

const NEWS = ['open', 'incomplete', 'overrun'] as const;

/**
 * Opens a camera through libaravis, sets it, and tells the size of its pictures; with `output` it writes
 * them until SIGTERM or SIGINT comes or the reader is gone. It blocks the thread, takes over both signals,
 * and a camera that is lost stays open until the process ends: for a process of its own.
 * @throws VedetteError ARAVIS_MISSING, CAMERA_SOURCE_MISSING, CAMERA_SOURCE_FAILED, CAMERA_SETTING_REFUSED
 */
export function runGenicam(
  settings: GenicamSettings,
  output?: GenicamOutput,
  tell: GenicamTell = () => {},
): Size {
  const { size, offset, trigger } = settings;
  const texts = [
    settings.camera,
    settings.exposureAuto ?? '',
    settings.gainAuto ?? '',
    trigger?.source ?? '',
    trigger?.activation ?? '',
  ];
  // Mirrored in native/binding/genicam.cc.
  const numbers = Float64Array.of(
    settings.pixelFormat,
    ...[size?.width ?? NaN, size?.height ?? NaN, offset?.x ?? NaN, offset?.y ?? NaN],
    ...[settings.framesPerSecond ?? NaN, settings.exposureUs ?? NaN, settings.gainDb ?? NaN],
    ...[settings.resendsPackets ? 1 : 0, output?.descriptor ?? -1],
    ...[output?.size.width ?? 0, output?.size.height ?? 0],
  );
  callAddon((addon) =>
    addon.runGenicam(texts, numbers, (news, number) => tell(NEWS[news]!, number)),
  );
  return { width: numbers.at(-2)!, height: numbers.at(-1)! };
}

/** @throws VedetteError ARAVIS_MISSING when libaravis cannot be loaded here */
export function requireAravis(): void {
  callAddon((addon) => addon.requireAravis());
}
