import { describe, expect, it } from 'vitest';
import { allNamed, readXml, textAt } from '../../../component/camera/discovery/read-xml.ts';
import { deviceSizeText } from '../../../component/contract/device-size-text.ts';
import { parseGenicam } from '../../../component/camera/discovery/genicam-cameras.ts';
import { parseFormats, withRates } from '../../../component/camera/discovery/usb-cameras.ts';
import { VedetteError } from '../../../component/contract/errors.ts';

const DOCUMENT = `<?xml version="1.0"?>
<!-- > -->
<s:a xmlns:s="x" s:n='1 > 0 &amp; "2"'> one <b/><![CDATA[<two>]]>&lt;&#65;&#x42;&unknown;<c:b>three</c:b></s:a >
`;

describe('reading XML', () => {
  it('gives elements, attributes and text', () => {
    const root = readXml(DOCUMENT);
    expect(root).toMatchObject({ name: 'a', text: 'one <two><AB&unknown;' });
    expect(root.attributes['n']).toBe('1 > 0 & "2"');
    expect(allNamed(root, 'b').map(({ text }) => text)).toEqual(['', 'three']);
    expect(textAt(root, 'nothing', 'b')).toBeUndefined();
  });

  it.each([
    '<!DOCTYPE a><a/>',
    '<a></b>',
    '</a>',
    '<a/><b/>',
    '<a',
    '<a b="',
    '< />',
    'text',
    '<!-- a',
  ])('refuses %s', (text) => {
    expect(() => readXml(text)).toThrow(VedetteError);
  });

  it('ends with a result or a coded error whatever comes', () => {
    const rounds = process.env['VEDETTE_DEEP'] === '1' ? 300_000 : 3000;
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    let read = 0;
    for (let round = 0; round < rounds; round += 1) {
      let text = DOCUMENT;
      for (let change = random(6); change > 0; change -= 1) {
        const at = random(text.length);
        const piece = ['<', '>', '&', '"', "'", '/', ']]>', '<!--', '\0', 'é', ''][random(11)]!;
        text = text.slice(0, at) + piece + text.slice(at + random(4));
      }
      try {
        readXml(text);
        read += 1;
      } catch (error) {
        if (!(error instanceof VedetteError)) throw new Error(`of ${text}`, { cause: error });
      }
    }
    expect(read).toBeGreaterThan(rounds / 10);
    expect(read).toBeLessThan(rounds);
  });
});

describe('the formats of a V4L2 device', () => {
  it('are read from what ffmpeg lists', () => {
    const text = [
      '[video4linux2,v4l2 @ 0x55] Raw       :     yuyv422 :           YUYV 4:2:2 : 640x480 320x240',
      '[video4linux2,v4l2 @ 0x55] Compressed:       mjpeg :          Motion-JPEG : 1280x720',
      '/dev/video0: Immediate exit requested',
    ].join('\n');
    expect(parseFormats(text)).toEqual([
      {
        name: 'yuyv422',
        description: 'YUYV 4:2:2',
        isCompressed: false,
        sizes: [
          { width: 640, height: 480 },
          { width: 320, height: 240 },
        ],
      },
      {
        name: 'mjpeg',
        description: 'Motion-JPEG',
        isCompressed: true,
        sizes: [{ width: 1280, height: 720 }],
      },
    ]);
  });
});

describe('the rates of a V4L2 device', () => {
  const listed = [
    '[video4linux2,v4l2 @ 0x55] Compressed:       mjpeg :          Motion-JPEG : 640x480 1280x720',
    '[video4linux2,v4l2 @ 0x55] Raw       :     yuyv422 :           YUYV 4:2:2 : 640x480 320x240',
    '[video4linux2,v4l2 @ 0x55] Raw       : Unsupported : 10-bit Bayer RGRG/GBGB : 640x480',
  ].join('\n');

  it('are read from what v4l2-ctl lists, for each format and size', () => {
    const text = [
      'ioctl: VIDIOC_ENUM_FMT',
      '\tType: Video Capture',
      '',
      "\t[0]: 'MJPG' (Motion-JPEG, compressed)",
      '\t\tSize: Discrete 640x480',
      '\t\t\tInterval: Discrete 0.033s (30.000 fps)',
      '\t\t\tInterval: Discrete 0.133s (7.500 fps)',
      '\t\tSize: Discrete 1280x720',
      '\t\t\tInterval: Discrete 0.033s (30.000 fps)',
      "\t[1]: 'YUYV' (YUYV 4:2:2)",
      '\t\tSize: Discrete 640x480',
      '\t\t\tInterval: Discrete 0.050s (20.000 fps)',
      '\t\tSize: Stepwise 320x240 - 640x480 with step 2/2',
      '\t\t\tInterval: Discrete 0.100s (10.000 fps)',
      "\t[2]: 'RG10' (10-bit Bayer RGRG/GBGB)",
      '\t\tSize: Discrete 640x480',
      '\t\t\tInterval: Stepwise 0.017s - 0.100s with step 0.001s (10.000-60.000 fps)',
      '',
    ].join('\n');
    const rated = withRates(parseFormats(listed), text);
    expect(rated.map(({ name, sizes }) => [name, ...sizes.map(deviceSizeText)])).toEqual([
      ['mjpeg', '640×480 at 30/7.5', '1280×720 at 30'],
      ['yuyv422', '640×480 at 20', '320×240'],
      ['Unsupported', '640×480'],
    ]);
  });

  it('stay unknown when nothing is listed', () => {
    expect(withRates(parseFormats(listed), '')).toEqual(parseFormats(listed));
  });
});

describe('GenICam cameras', () => {
  it('are read from what Aravis lists', () => {
    const text =
      'Basler-21234567 (192.168.10.20)\nVendor X-00:11:22 (USB3)\nNo device found\n../x (y)\n';
    expect(parseGenicam(text)).toEqual([
      { name: 'Basler-21234567', camera: '192.168.10.20' },
      { name: 'Vendor X-00:11:22', camera: 'Vendor X-00:11:22' },
    ]);
  });
});
