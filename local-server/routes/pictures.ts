import multipart from '@fastify/multipart';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import { announcedLength } from '../body-reader.ts';
import type { BodyReader } from '../body-reader.ts';
import { recordAnswer } from '../record-answer.ts';
import { parseRequestValue } from '../request-values.ts';
import type { BodyOptions } from './runtime-options.ts';

const MAX_CONTEXT_BYTES = 65_536;
const context = z.record(z.string(), z.unknown());

interface UploadedPicture {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly fileName?: string;
}

/** Pictures that programs send: to a model, or to a camera of kind `push`. */
export const pictureRoutes: FastifyPluginAsync<BodyOptions> = async (app, { runtime, bodies }) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: FastifyRequest['raw']) => {
    refuseOtherTypes(request.headers['content-type']);
    return bodies.read(request, payload, { byteLength: announcedLength(request) });
  });
  await app.register(multipart, {
    throwFileSizeLimit: false,
    limits: {
      fieldNameSize: 100,
      fieldSize: MAX_CONTEXT_BYTES,
      fields: 1,
      files: 2,
      parts: 2,
      fileSize: bodies.maxBytes + 1,
      headerPairs: 20,
    },
  });

  app.post<{ Params: { name: string } }>('/models/:name/infer', async (request) => {
    const model = runtime.model(request.params.name).name;
    const picture = await uploadedPicture(request, bodies);
    return runtime.inferPicture({ model, requestId: request.id, ...picture });
  });

  app.post<{ Params: { name: string } }>('/cameras/:name/frames', async (request, reply) => {
    const camera = runtime.camera(request.params.name).name;
    const picture = await uploadedPicture(request, bodies);
    const result = await runtime.pushFrame(camera, picture);
    if (result.transaction !== undefined) recordAnswer(runtime, reply, result);
    return result;
  });
};

/** What the bytes are is seen from the bytes; the type only has to leave room for a picture. */
function refuseOtherTypes(contentType: string | undefined): void {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === '' || type === 'application/octet-stream' || type.startsWith('image/')) return;
  const hint =
    type === 'application/x-www-form-urlencoded'
      ? ' (curl sends this by itself: add -H "Content-Type: image/jpeg")'
      : '';
  throw new VedetteError(
    'IMAGE_FORMAT_UNSUPPORTED',
    `The body is declared as ${JSON.stringify(type.slice(0, 100))}${hint}; expected image/jpeg, ` +
      'image/png, image/webp, image/tiff, application/octet-stream or multipart/form-data',
  );
}

async function uploadedPicture(
  request: FastifyRequest,
  bodies: BodyReader,
): Promise<UploadedPicture> {
  const picture = request.isMultipart()
    ? await multipartPicture(request, bodies)
    : { data: (request.body as Uint8Array<ArrayBuffer> | undefined) ?? new Uint8Array(0) };
  if (picture.data.length === 0) {
    throw new VedetteError('IMAGE_CORRUPT', 'The picture is empty: 0 bytes came');
  }
  return picture;
}

async function multipartPicture(
  request: FastifyRequest,
  bodies: BodyReader,
): Promise<UploadedPicture> {
  let data: Uint8Array<ArrayBuffer> | undefined;
  let fileName: string | undefined;
  let given: Readonly<Record<string, unknown>> | undefined;
  for await (const part of request.parts()) {
    if (part.type === 'file' && part.fieldname === 'image') {
      if (data !== undefined) {
        throw new VedetteError('REQUEST_INVALID', 'The form has two file parts `image`');
      }
      data = await bodies.read(request, part.file);
      fileName = part.filename || undefined;
    } else if (part.fieldname === 'context') {
      given = parseRequestValue(context, await contextValue(part), 'part `context`');
    } else {
      throw new VedetteError(
        'REQUEST_INVALID',
        `The form has a part ${JSON.stringify(part.fieldname.slice(0, 100))}; expected a file ` +
          '`image` and, if wanted, `context` as a JSON object',
      );
    }
  }
  if (data === undefined) {
    throw new VedetteError('REQUEST_INVALID', 'The form has no file part `image`');
  }
  return {
    data,
    ...(fileName === undefined ? {} : { fileName: fileName.slice(0, 255) }),
    ...(given === undefined ? {} : { context: given }),
  };
}

type Part = ReturnType<FastifyRequest['parts']> extends AsyncIterable<infer P> ? P : never;

/** The part as JSON, whether the client sent it as a field or as a file of its own. */
async function contextValue(part: Part): Promise<unknown> {
  let text: unknown;
  if (part.type === 'file') {
    let collected = '';
    for await (const chunk of part.file as AsyncIterable<Buffer>) {
      collected += chunk.toString('utf8');
      if (collected.length > MAX_CONTEXT_BYTES) throw contextTooLarge();
    }
    text = collected;
  } else {
    if (part.valueTruncated) throw contextTooLarge();
    text = part.value;
  }
  if (typeof text !== 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new VedetteError('REQUEST_INVALID', 'The part `context` is not JSON');
  }
}

function contextTooLarge(): VedetteError {
  return new VedetteError(
    'REQUEST_INVALID',
    `The part \`context\` is larger than ${MAX_CONTEXT_BYTES} bytes`,
  );
}
