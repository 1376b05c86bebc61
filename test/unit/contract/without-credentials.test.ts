import { describe, expect, it } from 'vitest';
import { withoutCredentials } from '../../../component/contract/without-credentials.ts';

describe('withoutCredentials', () => {
  it.each([
    ['rtsp://u:p@h/x', 'rtsp://***@h/x'],
    ['open rtsp://u:pa/ss@h/x now', 'open rtsp://***@h/x now'],
    ['rtsp://u:p@ss@h/x', 'rtsp://***@h/x'],
    ['rtsp://u:p@ss/w@h/x', 'rtsp://***@h/x'],
    ['rtsp://u@x:p/w@h:554/x', 'rtsp://***@h:554/x'],
    ['http://h/list.m3u8,rtsp://u:p@cam/1', 'http://h/list.m3u8,rtsp://***@cam/1'],
    ['concat:file:///a|rtsp://u:p@h/1', 'concat:file:///a|rtsp://***@h/1'],
    ["'http://token@h', 'rtsp://u:p@i/'", "'http://***@h', 'rtsp://***@i/'"],
  ])('of %s leaves %s', (text, left) => expect(withoutCredentials(text)).toBe(left));

  it.each(['rtsp://h/x?y=a@b', 'http://h/@scope/name', 'ann@example.org', 'a://b c@d'])(
    'leaves %s',
    (text) => expect(withoutCredentials(text)).toBe(text),
  );
});
