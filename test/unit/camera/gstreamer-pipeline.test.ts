import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../../../component/camera/gstreamer-camera.ts';
import { cameraSchema } from '../../../component/contract/camera-config.ts';
import { checkCameraSource } from '../../../component/contract/check-camera-source.ts';
import { pipelineProblem } from '../../../component/contract/gstreamer-pipeline.ts';

describe('a pipeline that is configured', () => {
  it.each([
    'videotestsrc',
    '  v4l2src device=/dev/video0 ! image/jpeg,width=1280,height=720 ! jpegdec  ',
    'nvarguscamerasrc sensor-id=0 ! video/x-raw(memory:NVMM),width=1920,framerate=30/1 ! nvvidconv',
    'rtspsrc location=rtsp://10.0.0.2/live?channel=1 latency=0 ! rtph264depay ! h264parse ! avdec_h264',
  ])('may be %s', (pipeline) => {
    expect(pipelineProblem(pipeline)).toBeUndefined();
  });

  it.each([
    ['videotestsrc ! filesink location=/etc/passwd', /filesink is not allowed/],
    ['videotestsrc ! tee name=t t. ! fakesink', /tee is not allowed/],
    ['videotestsrc fakesink', /fakesink after videotestsrc is no property/],
    ['videotestsrc name=a a. ! queue', /a\. after videotestsrc/],
    ['videotestsrc ! ( queue )', /\( is not allowed/],
    ['videotestsrc ! video/x-raw,width=1 shmsink', /video\/x-raw,width=1 is not allowed/],
    ['videotestsrc ! video/x-raw ! ', /video\/x-raw is not allowed/],
    ['', /\(nothing\)/],
    ['videotestsrc name="a ! filesink"', /quotes/],
    ['videotestsrc\\ !', /backslashes/],
    ['rtspsrc location=rtsp://ann:hidden1@h/ ! decodebin', /location of rtspsrc holds a login/],
    ['rtspsrc location=rtsp://h/?pwd=hidden1 ! decodebin', /holds a login/],
    ['rtspsrc location=rtsp://h/ user-pw=hidden1 ! decodebin', /user-pw of rtspsrc holds a login/],
    ['rtspsrc location=rtsp://h/ user_pw=hidden1 ! decodebin', /user_pw of rtspsrc holds a login/],
    ['rtspsrc location=rtsp://h/user=a_password=hidden1_c=1.sdp ! decodebin', /holds a login/],
    ['rtspsrc location=rtsp://h/ proxy=ann:hidden1@p:80 ! decodebin', /proxy of rtspsrc holds/],
    ['souphttpsrc location=http://h/ cookies=a=hidden1 ! jpegdec', /cookies of souphttpsrc holds/],
    ['souphttpsrc extra-headers=h,Authorization=hidden1 ! jpegdec', /extra-headers of .* holds/],
  ])('may not be %s', (pipeline, problem) => {
    expect(pipelineProblem(pipeline)).toMatch(problem);
    expect(pipelineProblem(pipeline)).not.toMatch(/hidden1/);
  });

  it('has its size read from what GStreamer says of the sink', () => {
    const line = (rest: string) =>
      `/GstPipeline:pipeline0/GstFakeSink:vedette.GstPad:sink: caps = video/x-raw, ${rest}`;
    expect(sizeOf(['a', line('format=(string)RGBA, height=(int)3, width=(int)4'), 'b'])).toEqual({
      width: 4,
      height: 3,
    });
    expect(sizeOf([line('width=(int)4'), 'width=(int)4, height=(int)3'])).toBeUndefined();
    expect(sizeOf([])).toBeUndefined();
  });
});

describe('the examples of docs/CAMERAS.md', () => {
  const blocks = [...readFileSync('docs/CAMERAS.md', 'utf8').matchAll(/```json\n([^`]*)```/g)];
  const sources = blocks
    .map(([, text]) => JSON.parse(text!) as Record<string, unknown>)
    .filter((value) => typeof value['kind'] === 'string');

  it('are configurations without a problem', () => {
    expect(sources.length).toBeGreaterThan(1);
    for (const source of sources) {
      const camera = cameraSchema.parse({ source, model: 'coco-detector' });
      expect(checkCameraSource('dock', camera)).toEqual([]);
    }
  });
});
