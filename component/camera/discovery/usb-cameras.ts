import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Size } from '../../contract/frame.ts';

/** What a V4L2 device can send. */
export interface DeviceFormat {
  /** As `inputFormat` and ffmpeg call it: `mjpeg`, `yuyv422`. */
  readonly name: string;
  readonly isCompressed: boolean;
  readonly sizes: readonly Size[];
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
    const found = /\] (Raw|Compressed)\s*:\s*(\S+)\s*:[^:]*:\s*(.*)$/.exec(line);
    if (found === null) return [];
    const sizes = [...found[3]!.matchAll(/\b(\d+)x(\d+)\b/g)].map(([, width, height]) => ({
      width: Number(width),
      height: Number(height),
    }));
    return [{ name: found[2]!, isCompressed: found[1] === 'Compressed', sizes }];
  });
}
