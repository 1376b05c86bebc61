// @ts-check
/**
 * The service that someone writes on an afternoon from the pages of fastify, sharp and
 * onnxruntime-node: decode and scale with sharp, one loop to planar floats, one session, all in one
 * process. The benchmark's peer; nothing of Vedette is in it.
 *
 * node plain-node-service.mjs <model.onnx> <labels.txt> [threads of ONNX Runtime]
 */
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';

const [modelFile = '', labelsFile = '', threads] = process.argv.slice(2);
const SIDE = 512;
const PIXELS = SIDE * SIDE;
const MIN_SCORE = 0.3;

const labels = readFileSync(labelsFile, 'utf8').trim().split('\n');
const session = await ort.InferenceSession.create(
  modelFile,
  threads === undefined ? {} : { intraOpNumThreads: Number(threads) },
);

/** @param {Buffer} picture an encoded picture */
async function infer(picture) {
  const { width, height } = await sharp(picture).metadata();
  const pixels = await sharp(picture)
    // `linear` is the nearest to the bilinear scaling that the model was trained with.
    .resize(SIDE, SIDE, { fit: 'fill', kernel: 'linear' })
    .removeAlpha()
    .raw()
    .toBuffer();
  const input = new Float32Array(3 * PIXELS);
  for (let i = 0, j = 0; i < PIXELS; i++, j += 3) {
    input[i] = pixels[j] ?? 0;
    input[PIXELS + i] = pixels[j + 1] ?? 0;
    input[2 * PIXELS + i] = pixels[j + 2] ?? 0;
  }
  const outputs = await session.run({
    images: new ort.Tensor('float32', input, [1, 3, SIDE, SIDE]),
  });
  const rows = /** @type {Float32Array} */ (outputs['detections']?.data);
  const scaleX = width / SIDE;
  const scaleY = height / SIDE;
  const detections = [];
  for (let row = 0; row < rows.length; row += 6) {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, score = 0, labelIndex = 0] = rows.subarray(row, row + 6);
    if (score < MIN_SCORE) continue;
    detections.push({
      label: labels[labelIndex],
      score,
      box: {
        x: x1 * scaleX,
        y: y1 * scaleY,
        width: (x2 - x1) * scaleX,
        height: (y2 - y1) * scaleY,
      },
    });
  }
  return { detections };
}

const app = Fastify({ bodyLimit: 64 * 1024 * 1024 });
app.addContentTypeParser('image/jpeg', { parseAs: 'buffer' }, (_request, body, done) => {
  done(null, body);
});
app.post('/infer', (request) => infer(/** @type {Buffer} */ (request.body)));

console.log(JSON.stringify({ address: await app.listen({ host: '127.0.0.1', port: 0 }) }));
