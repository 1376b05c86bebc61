import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DeviceSize } from '../../contract/device-size-text.ts';

/** What a V4L2 device can send. */
export interface DeviceFormat {
  /** As `inputFormat` and ffmpeg call it: `mjpeg`, `yuyv422`. */
  readonly name: string;
  /** As its driver calls it: `Motion-JPEG`. */
  readonly description: string;
  readonly isCompressed: boolean;
  readonly sizes: readonly DeviceSize[];
}

export interface UsbCamera {
  /** `/dev/video0` */
  readonly device: string;
  /** As its driver calls it. */
  readonly name: string;
}

/** V4L2 devices that the kernel knows, by number. Some have no picture to give: see their formats. */
export async function usbCameras(folder = '/sys/class/video4linux'): Promise<UsbCamera[]> {
  let entries: string[];
  try {
    entries = await readdir(folder);
  } catch (error) {
    // Without any device there is no such folder.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const devices = entries
    .filter((entry) => /^video\d+$/.test(entry))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return Promise.all(
    devices.map(async (entry) => ({
      device: `/dev/${entry}`,
      name: (await readFile(path.join(folder, entry, 'name'), 'utf8').catch(() => entry)).trim(),
    })),
  );
}

/**
 * Reads what `ffmpeg -f v4l2 -list_formats all -i /dev/video0` prints, a line for each format:
 * `[video4linux2,v4l2 @ 0x55] Compressed:       mjpeg :          Motion-JPEG : 640x480 1280x720`.
 */
export function parseFormats(text: string): DeviceFormat[] {
  return text.split('\n').flatMap((line) => {
    const found = /\] (Raw|Compressed)\s*:\s*(\S+)\s*:\s*(.*\S)\s*:\s*(.*)$/.exec(line);
    if (found === null) return [];
    const [, kind, name, description, list] = found;
    const sizes = [...list!.matchAll(/\b(\d+)x(\d+)\b/g)].map(([, width, height]) => ({
      width: Number(width),
      height: Number(height),
    }));
    return [{ name: name!, description: description!, isCompressed: kind === 'Compressed', sizes }];
  });
}

/**
 * The formats with the rates that `v4l2-ctl --list-formats-ext` prints, which ffmpeg does not:
 * `[0]: 'MJPG' (Motion-JPEG, compressed)`, `Size: Discrete 640x480`, `Interval: Discrete 0.033s
 * (30.000 fps)`. Sizes and rates in steps are not listed one by one, and left as they are.
 */
export function withRates(formats: readonly DeviceFormat[], text: string): DeviceFormat[] {
  const rates = new Map<string, number[]>();
  let description = '';
  let key = '';
  for (const line of text.split('\n')) {
    const format = /\]: '.{4}' \((.*?)(?:, (?:compressed|emulated))*\)$/.exec(line.trimEnd());
    const size = /Size: Discrete (\d+x\d+)$/.exec(line.trimEnd());
    const rate = /Interval: Discrete [\d.]+s \(([\d.]+) fps\)/.exec(line);
    if (format !== null) description = format[1]!;
    if (format !== null || line.includes('Size:')) key = '';
    if (size !== null) key = `${description} ${size[1]}`;
    if (rate !== null && key !== '') rates.set(key, [...(rates.get(key) ?? []), Number(rate[1])]);
  }
  return formats.map((format) => ({
    ...format,
    sizes: format.sizes.map((size) => {
      const framesPerSecond = rates.get(`${format.description} ${size.width}x${size.height}`);
      return framesPerSecond === undefined ? size : { ...size, framesPerSecond };
    }),
  }));
}
