import type { IncomingHttpHeaders } from 'node:http';
import type { Platform } from './platform';

/** A request to one operation of the management API, with a checked signature. */
export interface OperationRequest {
  /** The values of the path's parameters. */
  params: Record<string, string>;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface OperationAnswer {
  status: number;
  /** An object is sent as JSON, a string as text, undefined as an empty body. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** One operation of the management API. */
export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/v2/{project_id}/`, parameters in braces. */
  path: string;
  /** @throws FunctionGraphError for every refusal */
  handle(platform: Platform, request: OperationRequest): OperationAnswer | Promise<OperationAnswer>;
}
