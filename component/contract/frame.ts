/**
 * Layouts of raw pixels: bytes in the order of their letters; YUV with chroma halved (`nv12`, `nv21`,
 * `i420` both ways, `yuyv` and `uyvy` across); then what industrial cameras send, by the names of the
 * GenICam Pixel Format Naming Convention in lower case. `mono10`, `mono12` and `mono16` take two bytes
 * a pixel, the lower first; `mono10p` and `mono12p` follow one another bit by bit, the lowest first;
 * `mono10packed` and `mono12packed` are GigE Vision's two pixels in three bytes. `bayerrg8` and its
 * kin are named by the sensor's first two pixels of its first row.
 */
export const RAW_PIXEL_FORMATS = [
  'rgb24',
  'bgr24',
  'gray8',
  'nv12',
  'i420',
  'yuyv',
  'nv21',
  'uyvy',
  'rgba',
  'bgra',
  'mono10',
  'mono12',
  'mono16',
  'mono10p',
  'mono12p',
  'mono10packed',
  'mono12packed',
  'bayerrg8',
  'bayergb8',
  'bayergr8',
  'bayerbg8',
] as const;
export type RawPixelFormat = (typeof RAW_PIXEL_FORMATS)[number];

export const YUV_MATRICES = ['bt601', 'bt709'] as const;
export const YUV_RANGES = ['limited', 'full'] as const;
/** How YUV becomes RGB; limited range is luma 16–235 and chroma 16–240, full range 0–255. */
export interface YuvColour {
  readonly matrix: (typeof YUV_MATRICES)[number];
  readonly range: (typeof YUV_RANGES)[number];
}

/** Grey levels of a mono format that become 0 and 255: 0 ≤ black < white ≤ the highest of its depth. */
export interface LevelRange {
  readonly black: number;
  readonly white: number;
}

/** What a frame says of its samples beside where they lie. */
export interface SampleMeaning {
  /** For YUV formats; absent means limited range BT.601. */
  readonly colour?: YuvColour;
  /** For mono formats; absent means the whole range of the depth. */
  readonly levels?: LevelRange;
}

/** Encoded pictures. A slot may hold one: the model worker decodes it in the same pass. */
export const ENCODED_FORMATS = ['jpeg', 'png', 'webp', 'tiff'] as const;
export type EncodedFormat = (typeof ENCODED_FORMATS)[number];

export type FrameFormat = RawPixelFormat | EncodedFormat;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A rectangle in pixels; `x`, `y` are its top left corner. */
export interface Box extends Size {
  readonly x: number;
  readonly y: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Four corners of an area, clockwise from the one that becomes the top left of its crop. */
export type Quad = readonly [Point, Point, Point, Point];

/** Clockwise turn that brings the picture upright. */
export type Rotation = 0 | 90 | 180 | 270;
export type Flip = 'none' | 'horizontal' | 'vertical';

/**
 * How a camera's picture is looked at. Order: EXIF orientation (encoded pictures), `rotation`,
 * `flip`, then `region`. The upright picture before `region` is cut out is what every result,
 * capture and live view means by «source pixels»; `region` is given in its pixels, and so is `quad`,
 * which is seen as the rectangle that it would be from straight ahead. There is one of both at most.
 */
export interface FrameView {
  readonly rotation: Rotation;
  readonly flip: Flip;
  readonly region?: Box;
  readonly quad?: Quad;
}

export const WHOLE_FRAME: FrameView = { rotation: 0, flip: 'none' };

/**
 * What a time of capture was read from: the arrival of the frame here, its file, or the camera's own
 * clock (NTP), as the RTCP sender reports of its stream tell it.
 */
export const CAPTURE_CLOCKS = ['arrival', 'file', 'ntp'] as const;
export type CaptureClock = (typeof CAPTURE_CLOCKS)[number];

/** What lies in a slot. `width` and `height` are those of the stored pixels, before any turning. */
export interface FrameDescription extends SampleMeaning {
  readonly format: FrameFormat;
  readonly width: number;
  readonly height: number;
  /** Bytes used in the slot, from its start. */
  readonly byteLength: number;
  /** Bytes per row of each plane, for raw formats; absent means packed rows, planes back to back. */
  readonly strides?: readonly number[];
  /** Number of the frame in its source, from 0, counting every frame that the source delivered. */
  readonly sequence: number;
  /** Milliseconds since 1970 when the frame was taken, as near as the source allows. */
  readonly capturedAtMs: number;
  /**
   * The same by the steady clock of the process (`performance.now()`); of a writer that does not say it,
   * what `capturedAtMs` is by the wall clock at the moment of writing, at the latest that moment.
   */
  readonly capturedSteadyMs?: number;
  /** What told `capturedAtMs`; `arrival` when absent. */
  readonly captureClock?: Exclude<CaptureClock, 'ntp'>;
  /** Name of the file the frame came from, without folder, where there is one. */
  readonly fileName?: string;
  /**
   * Size of the picture as the camera sent it, before any turning, of which the stored pixels are a
   * smaller copy; absent when they are that picture. «Source pixels» are always the camera's.
   */
  readonly scaledFrom?: Size;
}

/**
 * A frame in a slot of a ring, held by a reader. It must be given back with `FrameSlots.release`,
 * once for each holder. It can be posted to another thread, which attaches to the ring by `ringId`.
 */
export interface FrameLease extends FrameDescription {
  readonly ringId: number;
  readonly slot: number;
  /** Proof of this hold; unique in the process. */
  readonly token: number;
  /**
   * When the frame was taken by the steady clock of the process (`performance.now()`), as near as the
   * source allows: its arrival, less what it came later than frames of its camera usually do where the
   * camera tells its times (see `BacklogWatch`). Triggers and ages go by it: the wall clock may be set
   * while a frame is held.
   */
  readonly capturedSteadyMs: number;
  /**
   * When the camera took it by the camera's own clock, in milliseconds since 1970. Results say this
   * time; that clock need not go with the one of this machine.
   */
  readonly ntpMs?: number;
}

/** Why a frame that a source delivered was not judged. Each is a label of `vedette_frames_dropped_total`. */
export const DROP_REASONS = [
  'overwritten', // a newer frame came before the model was free (policy `newest`)
  'no-free-slot', // every slot was held by readers
  'unreadable', // the source delivered bytes that are no picture
  'too-large', // the frame does not fit a slot
  'unchanged', // the source gave the very picture that it gave before
  'stopped', // the camera was stopped, or opened again for larger pictures, with frames waiting
  'stale', // it was older than `maxFrameAgeMs` when the model was free (policy `newest`)
  'not-triggered', // no trigger asked for it (policy `triggered`)
  'late', // its trigger was dropped, replaced, or had its fail-safe verdict, before it was judged
] as const;
export type DropReason = (typeof DROP_REASONS)[number];
