import { randomUUID } from 'node:crypto';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request body that is larger than the service accepts. */
export class BodyTooLarge extends Error {
  constructor(readonly limitBytes: number) {
    super(`request body exceeds ${limitBytes} bytes`);
  }
}

/** A 32-digit hexadecimal id in the form in which Huawei Cloud's gateways print request ids. */
export function newRequestId(): string {
  return randomUUID().replaceAll('-', '');
}

/** Listens on 127.0.0.1 and resolves with the port that was taken; port 0 takes a free one. */
export function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Stops listening and drops open connections, keep-alive ones included. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/**
 * Reads a whole request body. A body of more than `limitBytes` is read to its end and not kept: a client whose
 * connection is closed while it sends never sees the answer.
 * @throws BodyTooLarge
 */
export async function readBody(request: AsyncIterable<unknown>, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    sizeBytes += (chunk as Buffer).length;
    if (sizeBytes <= limitBytes) chunks.push(chunk as Buffer);
    else chunks.length = 0;
  }
  if (sizeBytes > limitBytes) throw new BodyTooLarge(limitBytes);
  return Buffer.concat(chunks);
}

/** Answers with a JSON body. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json;charset=UTF-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}
