import { describe, expect, it } from 'vitest';
import { HttpLogin } from '../../../component/camera/http-login.ts';
import { secretsOfAddress, shownAddress } from '../../../component/contract/shown-address.ts';

describe('a login over HTTP', () => {
  it('answers the example of RFC 2069', () => {
    const login = new HttpLogin({ username: 'Mufasa', password: 'CircleOfLife' });
    const nonce = 'dcd98b7102dd2f0e8b11d0f600bfb0c093';
    expect(
      login.accept([`Digest realm="testrealm@host.com", nonce="${nonce}", opaque="5ccc069c"`]),
    ).toBe(true);
    expect(login.authorization('GET', '/dir/index.html')).toMatch(
      /response="1949323746fe6a43ef61f9606e7febea".*opaque="5ccc069c"/,
    );
  });

  it('says nothing before it is asked, and nothing to what it cannot answer', () => {
    const login = new HttpLogin({ username: 'a', password: 'b' });
    expect(login.authorization('GET', '/')).toBeUndefined();
    const strange = [
      [],
      [''],
      ['NTLM'],
      ['Digest qop="auth-int", nonce="1"'],
      ['Digest algorithm=SHA-512-256, nonce="1"'],
      ['"'.repeat(100_000)],
    ];
    for (const headers of strange) {
      expect(login.accept(headers)).toBe(false);
      expect(login.authorization('GET', '/')).toBeUndefined();
    }
  });

  it('prefers Digest to a password in the clear', () => {
    const login = new HttpLogin({ username: 'a', password: 'b' });
    login.accept(['Basic realm="x"', 'Digest realm="x", nonce="n", qop="auth"']);
    expect(login.authorization('GET', '/')).toMatch(/^Digest /);
  });
});

describe('an address that is shown', () => {
  it.each([
    [
      'http://h/a?user=ann&pwd=p%20q&x=1',
      'http://h/a?user=***&pwd=***&x=1',
      ['ann', 'ann', 'p%20q', 'p q'],
    ],
    ['rtsp://h:554/?u=a&p=b#c', 'rtsp://h:554/?u=***&p=***', ['a', 'a', 'b', 'b']],
    ['rtsp://ann:word@h/live?channel=1', 'rtsp://***@h/live?channel=1', []],
    ['/dev/video0', '/dev/video0', []],
    ['/data/user=ann&x=1/a.mp4', '/data/user=ann&x=1/a.mp4', []],
    // Of recorders that take the login in the path.
    [
      'rtsp://h:554/user=ann&password=p%20q&channel=1&stream=0.sdp?real_stream',
      'rtsp://h:554/user=***&password=***&channel=1&stream=0.sdp?real_stream',
      ['ann', 'ann', 'p%20q', 'p q'],
    ],
    [
      'rtsp://h/user=ann_password=a_word_channel=1_stream=0.sdp',
      'rtsp://h/user=***_password=***_channel=1_stream=0.sdp',
      ['ann', 'ann', 'a_word', 'a_word'],
    ],
    [
      'rtsp://h/user=ann_password=_channel=1',
      'rtsp://h/user=***_password=_channel=1',
      ['ann', 'ann'],
    ],
    ['http://h/?token=%zz?&=&a', 'http://h/?token=***&=&a', ['%zz?']],
  ])('%s', (url, shown, secrets) => {
    expect(shownAddress(url)).toBe(shown);
    expect(secretsOfAddress(url)).toEqual(secrets);
  });
});
