import * as z from 'zod';

/**
 * What a function behind API Gateway must return (FunctionGraph user guide, APIG trigger). The guide lists four fields,
 * but its own samples omit `headers` and `isBase64Encoded`.
 */
const functionAnswer = z.object({
  statusCode: z.number().int().min(200).max(599),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  body: z.string(),
  isBase64Encoded: z.boolean().default(false),
});

export interface GatewayAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** The gateway sets these headers itself. */
const FRAMING_HEADERS = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive']);

/** Reads the result of a function; undefined if the gateway does not accept it as an answer. */
export function readFunctionAnswer(result: string): GatewayAnswer | undefined {
  let json: unknown;
  try {
    json = JSON.parse(result);
  } catch {
    return undefined;
  }
  const parsed = functionAnswer.safeParse(json);
  if (!parsed.success) return undefined;
  const { statusCode, headers, body, isBase64Encoded } = parsed.data;
  const kept = Object.entries(headers).filter(([name]) => !FRAMING_HEADERS.has(name.toLowerCase()));
  return {
    status: statusCode,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
    body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
  };
}
