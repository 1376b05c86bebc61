import type { Socket } from 'node:net';
import { VedetteError } from '../../component/contract/errors.ts';
import type { RequestFailures } from '../request-failures.ts';
import { problemDetails } from './problem-details.ts';

const SENTENCES: Readonly<Record<string, readonly [status: string, sentence: string]>> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'The headers are larger than 16384 bytes',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    'The request did not arrive completely in time',
  ],
};

/** Answers bytes that are no HTTP request, where no request object exists yet. */
export function answerBrokenRequests(
  error: Error & { code?: string },
  socket: Socket,
  failures: RequestFailures,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.destroyed) {
    socket.destroy();
    return;
  }
  const [status, sentence] = SENTENCES[error.code ?? ''] ?? [
    '400 Bad Request',
    'The bytes are no valid HTTP/1.1 request',
  ];
  const invalid = new VedetteError('REQUEST_INVALID', sentence);
  failures.recordBroken(invalid);
  const problem = {
    ...problemDetails(invalid),
    status: Number(status.slice(0, 3)),
  };
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
