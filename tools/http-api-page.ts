/*
 * Writes the tables of docs/http-api.md from the description of the API (`npm run openapi`). The rest of the page is
 * written by hand.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describeApi, ERRORS, valueOfParameter, WITHOUT_EFFECT } from './openapi';

export const HTTP_API_PAGE = path.resolve(__dirname, '..', 'docs', 'http-api.md');

interface Schema {
  type?: string;
  description?: string;
  enum?: (string | number)[];
  const?: string | number;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  'x-unit'?: string;
}
interface Header {
  description: string;
}
interface Parameter extends Header {
  name: string;
  in: 'header' | 'path' | 'query';
  schema: Schema;
}
interface Operation {
  summary: string;
  parameters?: Parameter[];
  responses: Record<string, { description: string; headers?: Record<string, Header> }>;
}
interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** MPC's upper limit of a signed number, which does not help a reader. */
const LARGEST = 2 ** 31 - 1;
const METHODS = ['post', 'get', 'delete'];

const code = (text: string | number) => `\`${text}\``;
const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
const table = (header: string[], rows: string[][]) =>
  [row(...header), `|${header.map(() => '---|').join('')}`, ...rows.map((cells) => row(...cells))].join('\n');

/** The possible values of a field, in a few words. */
function wordsFor(schema: Schema): string {
  const unit = schema['x-unit'] === undefined ? '' : ` ${schema['x-unit']}`;
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  if (schema.const !== undefined) return code(schema.const);
  if (schema.anyOf !== undefined) return schema.anyOf.map(wordsFor).join(' or ') + unit;
  if (schema.items !== undefined) return `list of whole numbers${unit && `,${unit}`}`;
  if (schema.type !== 'integer')
    return schema.maxLength === undefined ? 'text' : `text, at most ${schema.maxLength} characters`;
  if (schema.maximum === LARGEST) return `whole number${unit && `,${unit}`}`;
  return `${schema.minimum}–${schema.maximum}${unit}`;
}

/** The fields of a body that have a choice. Those of nested objects have their whole path. */
function fieldsOf(schema: Schema, before = ''): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const whole = before + name;
    if (field.properties !== undefined) return fieldsOf(field, `${whole}.`);
    if (field.description === undefined || field.description === WITHOUT_EFFECT || field.const !== undefined)
      return [];
    const needed = before !== 'output.' && schema.required?.includes(name) ? ' Required.' : '';
    return [[code(whole), wordsFor(field), field.description + needed]];
  });
}

function operationsOf({ paths }: Description): [string, Operation][] {
  return Object.entries(paths).flatMap(([pathname, operations]) =>
    METHODS.flatMap((method) => {
      const operation = operations[method];
      return operation === undefined ? [] : [[`${method.toUpperCase()} ${pathname}`, operation] as const];
    }).map(([name, operation]): [string, Operation] => [name, operation]),
  );
}

function parametersOf(api: Description, name: string): string[][] {
  const operation = operationsOf(api).find(([one]) => one === name)?.[1];
  return (operation?.parameters ?? []).map((parameter) => [
    code(parameter.in === 'header' ? `${parameter.name}:` : parameter.name),
    valueOfParameter(parameter.name) ?? wordsFor(parameter.schema),
    parameter.description,
  ]);
}

/** Every table, by the name in its marker. */
function tables(): Record<string, string> {
  const api = describeApi() as unknown as Description;
  const operations = operationsOf(api);
  const headers = new Map(
    operations.flatMap(([, { responses }]) =>
      Object.entries(responses).flatMap(([status, response]) =>
        Object.entries(response.headers ?? {}).map(
          ([name, { description }]) => [name + description, { name, description, status }] as const,
        ),
      ),
    ),
  );
  const statusesOf = (header: string, about: string) => {
    const all = operations.flatMap(([, { responses }]) =>
      Object.entries(responses).flatMap(([status, response]) =>
        response.headers?.[header]?.description === about ? [status] : [],
      ),
    );
    return [...new Set(all)].sort().join(', ');
  };
  return {
    operations: table(
      ['operation', 'what it does', 'status'],
      operations.map(([name, { summary, responses }]) => [
        code(name),
        summary,
        Object.keys(responses)
          .filter((status) => Number(status) < 400)
          .join(', '),
      ]),
    ),
    body: table(['field', 'value', 'meaning'], fieldsOf(api.components.schemas.CreateTask ?? {})),
    'create parameters': table(['parameter', 'value', 'meaning'], parametersOf(api, 'POST /snapshots')),
    'read parameters': table(['parameter', 'value', 'meaning'], parametersOf(api, 'GET /snapshots')),
    'answer headers': table(
      ['header', 'status', 'meaning'],
      [...headers.values()].map(({ name, description }) => [
        code(name),
        statusesOf(name, description),
        description,
      ]),
    ),
    errors: table(
      ['status', '`error_code`', 'what happened', 'what to do'],
      ERRORS.map(({ status, codes, meaning, remedy }) => [
        status,
        codes.map(code).join(', '),
        meaning,
        remedy,
      ]),
    ),
  };
}

/**
 * Renews the tables of the page.
 * @param page the current page, with a marker before and after each table
 * @throws Error if a marker is missing
 */
export function withTables(page: string): string {
  return Object.entries(tables()).reduce((text, [name, made]) => {
    const place = new RegExp(`(<!-- made by \`npm run openapi\`: ${name} -->\n).*?(\n<!-- end -->)`, 's');
    if (!place.test(text)) throw new Error(`docs/http-api.md has no markers for the table "${name}"`);
    return text.replace(place, (_, start: string, end: string) => start + made + end);
  }, page);
}

if (require.main === module) writeFileSync(HTTP_API_PAGE, withTables(readFileSync(HTTP_API_PAGE, 'utf8')));
