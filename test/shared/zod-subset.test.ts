import { readdirSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type * as z from 'zod/mini';

type Zod = typeof z;
type Schema = z.ZodMiniType;

const SHARED = path.resolve(__dirname, '..', '..', 'shared');
const RUNS_PER_SCHEMA = 150;

/** Every schema that the modules of `shared/` make, in order, when this stands in the place of `zod/mini`. */
function schemasMadeWith(library: Zod): Schema[] {
  const made: Schema[] = [];
  const recorded = new Proxy(
    { ...library },
    {
      get(target, name: keyof Zod) {
        const member = target[name];
        if (typeof member !== 'function' || name === 'safeParse') return member;
        return (...parameters: never[]) => {
          const schema = (member as (...all: never[]) => Schema)(...parameters);
          made.push(schema);
          return schema;
        };
      },
    },
  );
  jest.isolateModules(() => {
    jest.doMock('zod/mini', () => recorded);
    for (const file of readdirSync(SHARED).sort()) require(path.join(SHARED, file));
  });
  jest.dontMock('zod/mini');
  return made;
}

const zod = jest.requireActual<Zod>('zod/mini');
const subset = jest.requireActual<Zod>('../../shared/zod-subset');
const schemas = schemasMadeWith(zod);
const twins = schemasMadeWith(subset);

/** Values near those that any of the schemas takes: right ones, wrong ones and limits. */
const leaf = fc.oneof(
  fc.constantFrom(undefined, null, true, 0, 1, -1, 1.5, 96, 3840, 3841, 2 ** 31, Number.NaN),
  fc.constantFrom(
    '',
    '5',
    '0',
    'TIME',
    'DOTS',
    'info',
    'TIMER',
    'claimed',
    'videos',
    '.mp4',
    'a/b.mp4',
    'snapshots/{key}',
    '\ud800',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.integer(),
  fc.array(fc.oneof(fc.integer({ min: -1, max: 10 }), fc.string({ maxLength: 3 })), { maxLength: 3 }),
  fc.object({ maxDepth: 1 }),
);

/** Objects with the fields of the schema, each of them there or not, fitting or not, and perhaps with others. */
function inputFor(schema: Schema): fc.Arbitrary<unknown> {
  const { def } = schema._zod as unknown as {
    def: { type: string; shape?: Record<string, Schema>; innerType?: Schema };
  };
  if (def.innerType) return fc.oneof(leaf, inputFor(def.innerType));
  if (!def.shape) return leaf;
  const fields = Object.entries(def.shape).map(([name, field]) => [name, inputFor(field)] as const);
  const known = fc.record(Object.fromEntries(fields), { requiredKeys: [] });
  const others = fc.dictionary(
    fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('__proto__', 'toString')),
    leaf,
    { maxKeys: 2 },
  );
  return fc.oneof(
    { weight: 6, arbitrary: known },
    { weight: 3, arbitrary: fc.tuple(known, others).map(([mine, more]) => ({ ...more, ...mine })) },
    { weight: 1, arbitrary: fc.anything() },
  );
}

function outcome(library: Zod, schema: Schema, input: unknown): unknown {
  const parsed = library.safeParse(schema, input, { reportInput: true });
  if (parsed.success) return { data: parsed.data };
  return { issues: parsed.error.issues.map((issue) => ({ ...issue, path: [...issue.path] })) };
}

test('every schema is made of what the subset has', () => {
  expect(twins.length).toBe(schemas.length);
  expect(schemas.length).toBeGreaterThan(100);
});

test('every schema gives the result and the issues that zod gives', () => {
  schemas.forEach((schema, index) => {
    const twin = twins[index]!;
    fc.assert(
      fc.property(inputFor(schema), (input) => {
        expect(outcome(subset, twin, input)).toStrictEqual(outcome(zod, schema, input));
      }),
      { numRuns: 'shape' in (schema._zod.def as object) ? RUNS_PER_SCHEMA : 10 },
    );
  });
});
