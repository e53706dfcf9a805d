import type { Operation } from '../operation';
import { functionOfUrn } from '../platform';

/** Accepts an event for later. */
export const invokeFunctionAsync: Operation = {
  method: 'POST',
  path: 'fgs/functions/{urn}/invocations-async',
  handle(platform, { params, body }) {
    const deployed = functionOfUrn(platform, params.urn ?? '');
    const requestId = platform.queue.enqueue(deployed, body.toString(), 'ASYNC');
    return { status: 202, headers: { 'x-cff-request-id': requestId }, body: { request_id: requestId } };
  },
};
