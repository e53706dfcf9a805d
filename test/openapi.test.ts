import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { originLine, TYPES_FILE } from '../tools/client-types';
import { HTTP_API_PAGE, withTables } from '../tools/http-api-page';
import { describeApi, OPENAPI_FILE } from '../tools/openapi';

const ROOT = path.resolve(__dirname, '..');

describe('the description of the HTTP API', () => {
  test('in docs/ is what the schemas say: `npm run openapi` writes it', () => {
    expect(JSON.parse(readFileSync(OPENAPI_FILE, 'utf8'))).toEqual(describeApi());
  });

  test('is what the tables of docs/http-api.md were made from: `npm run openapi` makes them', () => {
    const page = readFileSync(HTTP_API_PAGE, 'utf8');
    expect(page).toBe(withTables(page));
  });

  test('is what the client’s types were made from: `npm run openapi` makes them', () => {
    expect(readFileSync(TYPES_FILE, 'utf8').split('\n')[0]).toBe(originLine());
  });

  test('has nothing that Redocly’s recommended rules find', () => {
    // The linter is an ES module.
    const program = `
      import { readFileSync } from 'node:fs';
      import { createConfig, lintFromString } from '@redocly/openapi-core';
      const config = await createConfig({ extends: ['recommended'] });
      const source = readFileSync(${JSON.stringify(OPENAPI_FILE)}, 'utf8');
      const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
      console.log(JSON.stringify(problems.map(({ severity, ruleId, message, location }) => [severity, ruleId, message, location[0]?.pointer])));`;
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT });
    expect(JSON.parse(printed.toString())).toEqual([]);
  });
});
