import { readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

const file = path.resolve(__dirname, '..', '..', 'docs', 'openapi.json');
const api: { paths: Record<string, Record<string, Operation>>; components: object } = JSON.parse(
  readFileSync(file, 'utf8'),
);
// Units and examples stand beside the schemas; the words of OpenAPI are none of JSON Schema's.
const ajv = new Ajv2020({ strict: false, allErrors: true });
const validators = new Map<string, ValidateFunction>();

/**
 * Holds an answer of the HTTP API to its description: operation, status, type of content, body.
 * @param target path and query of the request
 * @throws Error that says what the description does not know
 */
export function expectDescribed(
  method: string,
  target: string,
  status: number,
  contentType: string | null,
  body: string,
): void {
  const [pathname = ''] = target.split('?');
  const template = /^\/snapshots\/?$/.test(pathname)
    ? '/snapshots'
    : /^\/snapshots\/[^/]+\/?$/.test(pathname)
      ? '/snapshots/{task_id}'
      : undefined;
  const operation = template && api.paths[template]?.[method.toLowerCase()];
  // The gateway's own answers to what is none of the API's operations.
  if (!operation) return;
  const name = `${method} ${template} ${status}`;
  const answer = operation.responses[status];
  if (answer === undefined) throw new Error(`docs/openapi.json does not know ${name}: ${body.slice(0, 300)}`);
  if (answer.content === undefined) {
    if (body !== '')
      throw new Error(`${name} has a body that docs/openapi.json does not know: ${body.slice(0, 300)}`);
    return;
  }
  const type = contentType?.split(';')[0] ?? '';
  const content = answer.content[type];
  if (content === undefined) throw new Error(`docs/openapi.json does not know ${name} of type ${type}`);
  if (type !== 'application/json') return;
  const key = `${name} ${type}`;
  const validate = validators.get(key) ?? ajv.compile({ ...content.schema, components: api.components });
  validators.set(key, validate);
  if (!validate(JSON.parse(body)))
    throw new Error(
      `${name} drifts from docs/openapi.json: ${ajv.errorsText(validate.errors)}\n${body.slice(0, 500)}`,
    );
}
