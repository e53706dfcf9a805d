/*
 * What the schemas of this service use of `zod/mini`, and nothing else. The schemas are written and typed against zod
 * itself; in a function's bundle this file takes zod's place, because zod's core is the larger part of a cold start
 * that all of our own code together is (bench/README.md has the numbers). A combinator that is not here fails the
 * build, and a property test holds this file to zod's results and issues for every schema of the service.
 */

type Path = readonly string[];

interface Issue {
  code: 'custom' | 'invalid_type' | 'unrecognized_keys';
  path: Path;
  message: string;
  input: unknown;
  expected?: 'object';
  keys?: readonly string[];
}

interface Schema {
  /** Appends what is wrong with the value to the issues. @returns the parsed value */
  run(value: unknown, path: Path, issues: Issue[]): unknown;
  isOptional?: true;
}

type Shape = Readonly<Record<string, Schema>>;

const INVALID = 'Invalid input';

export const custom = (holds: (value: unknown) => boolean, { error = INVALID } = {}): Schema => ({
  run(input, path, issues) {
    if (!holds(input)) issues.push({ code: 'custom', path, message: error, input });
    return input;
  },
});

export const optional = (inner: Schema): Schema => ({
  run: (input, path, issues) => (input === undefined ? input : inner.run(input, path, issues)),
  isOptional: true,
});

export const object = (shape: Shape, isStrict = false): Schema & { shape: Shape } => ({
  shape,
  run(input, path, issues) {
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
      issues.push({ code: 'invalid_type', expected: 'object', path, message: INVALID, input });
      return input;
    }
    const fields = input as Record<string, unknown>;
    const parsed: Record<string, unknown> = {};
    for (const [key, schema] of Object.entries(shape)) {
      if (key in input || !schema.isOptional) parsed[key] = schema.run(fields[key], [...path, key], issues);
    }
    const keys = isStrict ? Object.keys(input).filter((key) => !Object.hasOwn(shape, key)) : [];
    if (keys.length > 0) issues.push({ code: 'unrecognized_keys', keys, path, message: INVALID, input });
    return parsed;
  },
});

export const strictObject = (shape: Shape) => object(shape, true);

/** Issues always carry their input, as with zod's `reportInput`. */
export function safeParse(schema: Schema, value: unknown) {
  const issues: Issue[] = [];
  const data = schema.run(value, [], issues);
  return issues.length > 0 ? { success: false, error: { issues } } : { success: true, data };
}
