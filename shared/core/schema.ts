import * as z from 'zod/mini';

// zod's own schemas, with the words of this service: every leaf says in its error what is allowed and in which unit.

/** Any string. */
export const text = z.string('must be a string');

export const textUpTo = (maximum: number) => {
  const error = `must be a string of at most ${maximum} characters`;
  return z.string(error).check(z.maxLength(maximum, error));
};

/** A string that a rule accepts which JSON Schema cannot say. */
export const textThat = (holds: (value: string) => boolean, error: string) =>
  z.string(error).check(z.refine(holds, error));

/** A whole number; `unit` stands behind the limits in the error. */
export const integer = (minimum: number, maximum: number, unit = '') =>
  measured(integerOr(minimum, maximum, mustBe(minimum, maximum, unit)), unit);

/** A schema with its unit, for tools that read it. */
const measured = <T extends z.ZodMiniType>(schema: T, unit: string): T =>
  unit === '' ? schema : withMetadata(schema, { 'x-unit': unit });

/** A schema with what it means, for tools that read it. */
export const described = <T extends z.ZodMiniType>(schema: T, description: string): T =>
  withMetadata(schema, { description });

// Registered, not added as a check: each `check` makes another schema, which every cold start would pay for.
function withMetadata<T extends z.ZodMiniType>(schema: T, metadata: z.core.GlobalMeta): T {
  z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), ...metadata });
  return schema;
}

const integerOr = (minimum: number, maximum: number, error: string) =>
  z.int(error).check(z.minimum(minimum, error), z.maximum(maximum, error));

/** A whole number that comes as text, as in user data and query parameters. */
export const integerText = (minimum: number, maximum: number, unit = '') => {
  const error = mustBe(minimum, maximum, unit);
  const isWithin = (value: string) => Number(value) >= minimum && Number(value) <= maximum;
  return z.string(error).check(z.regex(/^\d{1,10}$/, error), z.refine(isWithin, error));
};

const mustBe = (minimum: number, maximum: number, unit: string, or = ''): string =>
  `must be ${or}a whole number from ${minimum} to ${maximum}${unit && ` ${unit}`}`;

/** A side of a picture: 0, or a whole number of pixels. */
export const side = (minimum: number, maximum: number) => {
  const error = mustBe(minimum, maximum, 'px', '0 (follow the aspect ratio) or ');
  return measured(z.union([z.literal(0), integerOr(minimum, maximum, error)], error), 'px');
};

/** A list of whole numbers. */
export const integers = (minimum: number, maximum: number, unit: string) => {
  const error = `must be a list of whole numbers from ${minimum} to ${maximum} ${unit}`;
  return measured(z.array(integerOr(minimum, maximum, error), error), unit);
};

/** One of several strings. */
export const oneOf = <const T extends string>(...values: readonly T[]) => z.enum(values, mustBeOneOf(values));

/** One of several numbers. */
export const oneOfNumbers = <const T extends number>(...values: readonly T[]) =>
  z.literal(values, mustBeOneOf(values));

const mustBeOneOf = (values: readonly (string | number)[]): string =>
  `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`;

/** Ids and times of MPC, which its documents declare as strings and print as numbers. */
export const textOrNumber = z.union([z.string(), z.number()], 'must be a string or a number');

export const isText = (value: unknown): value is string => typeof value === 'string';

/**
 * Parses JSON of unknown origin.
 * @returns the value, with `null` properties left out, as services mean them; undefined when the text is no JSON
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) => (value === null ? undefined : value));
  } catch {
    return undefined;
  }
}
