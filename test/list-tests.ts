/*
 * Prints the names of the tests of each file, with those of their groups, as jest would know them: what runs, not what the text of the file says. Names that a
 * table fills in stand as template and filled in. Skipped tests are left out.
 *
 *     npx tsx test/list-tests.ts FILE…
 */
import path from 'node:path';
import { format } from 'node:util';

type Body = (...values: never[]) => unknown;
type Table = readonly unknown[] | TemplateStringsArray;

const namesOf: Record<string, string[]> = {};
let current: string[] = [];
let isSkipping = false;
let group = '';

function describing(isSkipped: boolean) {
  const run = (name: string, values: readonly unknown[], body: Body) => {
    const before = { isSkipping, group };
    isSkipping ||= isSkipped;
    group = `${group}${name} › `;
    (body as (...values: unknown[]) => unknown)(...values);
    ({ isSkipping, group } = before);
  };
  return Object.assign((name: string, body: Body) => run(name, [], body), {
    each: (table: Table) => (template: string, body: Body) => {
      for (const row of table) {
        const values = Array.isArray(row) ? row : [row];
        run(filled(template, values), values, body);
      }
    },
  });
}

function testing(isSkipped: boolean) {
  const add = (name: string) => {
    if (!isSkipped && !isSkipping) current.push(group + name);
  };
  return Object.assign(add, {
    each: (table: Table) => (template: string) => {
      add(template);
      for (const row of table) add(filled(template, Array.isArray(row) ? row : [row]));
    },
  });
}

/** The template with the values of a row, as jest fills it in. */
function filled(template: string, row: readonly unknown[]): string {
  const [first] = row as [Record<string, unknown> | undefined];
  const named = template.replace(/\$(\w+)/g, (whole, name: string) => String(first?.[name] ?? whole));
  return format(named.replaceAll('%p', '%j'), ...row.slice(0, named.match(/%[a-zA-Z]/g)?.length ?? 0));
}

const nothing = () => {};
const test = Object.assign(testing(false), { skip: testing(true), todo: nothing, only: testing(false) });
Object.assign(globalThis, {
  describe: Object.assign(describing(false), { skip: describing(true), only: describing(false) }),
  test,
  it: test,
  beforeAll: nothing,
  beforeEach: nothing,
  afterAll: nothing,
  afterEach: nothing,
  expect: new Proxy(nothing, { get: () => nothing }),
  jest: new Proxy({}, { get: () => nothing }),
});

for (const file of process.argv.slice(2)) {
  current = [];
  namesOf[file] = current;
  require(path.resolve(file));
}
// Files may have opened something that would keep the process alive.
process.stdout.write(JSON.stringify(namesOf), () => process.exit(0));
