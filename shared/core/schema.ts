import * as z from 'zod/mini';

// zod's schemas with error messages of this service: each message says what is allowed and in which unit.
// A schema costs every cold start about 20 µs. Schemas that several modules need are made here once.

/** A schema that is made at its first use: for those that not every call needs. */
export const lazily = <T extends z.ZodMiniType>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => (made ??= make());
};

/** Any string. */
export const text = z.string('must be a string');

/** Any string; may be absent. */
export const optionalText = z.optional(text);

/** Any value; may be absent. */
export const anything = z.optional(z.unknown());

export const textUpTo = (maximum: number) => {
  const error = `must be a string of at most ${maximum} characters`;
  return z.string(error).check(z.maxLength(maximum, error));
};

/** A string that matches a regular expression. One schema: `z.string().check(z.regex())` makes three, 1 ms of a cold start. */
export const textLike = (form: RegExp, error: string) => z.stringFormat('text', form, error);

/**
 * A string that a rule accepts, for rules that JSON Schema cannot express, and for patterns of settings: no description shows them,
 * and `check` would make three schemas of one and add 700 bytes to each function.
 */
export const textThat = (holds: (value: string) => boolean, error: string) =>
  z.custom<string>((value) => isText(value) && holds(value), error);

/** A whole number. The error names the unit after the limits. */
export const integer = (minimum: number, maximum: number, unit = '') =>
  integerOr(minimum, maximum, mustBe(minimum, maximum, unit));

function integerOr(minimum: number, maximum: number, error: string) {
  return z.int(error).check(z.minimum(minimum, error), z.maximum(maximum, error));
}

/** A count, a time in milliseconds: any whole number from 0. */
export const wholeNumber = integer(0, Number.MAX_SAFE_INTEGER);

/** Such a number; may be absent. */
export const optionalWholeNumber = z.optional(wholeNumber);

/** A whole number as text, as in user data and query parameters. */
export const integerText = (minimum: number, maximum: number, unit = '') =>
  textThat(
    (value) => /^\d{1,10}$/.test(value) && Number(value) >= minimum && Number(value) <= maximum,
    mustBe(minimum, maximum, unit),
  );

function mustBe(minimum: number, maximum: number, unit: string, or = ''): string {
  return `must be ${or}a whole number from ${minimum} to ${maximum}${unit && ` ${unit}`}`;
}

/** A side of a picture: 0, or a whole number of pixels. */
export const side = (minimum: number, maximum: number) => {
  const error = mustBe(minimum, maximum, 'px', '0 (follow the aspect ratio) or ');
  return z.union([z.literal(0), integerOr(minimum, maximum, error)], error);
};

/** A list of whole numbers. */
export const integers = (minimum: number, maximum: number, unit: string) => {
  const error = `must be a list of whole numbers from ${minimum} to ${maximum} ${unit}`;
  return z.array(integerOr(minimum, maximum, error), error);
};

/** One of several strings or numbers. */
export const oneOf = <const T extends string | number>(...values: readonly T[]) =>
  z.literal(values, mustBeOneOf(values));

function mustBeOneOf(values: readonly (string | number)[]): string {
  return `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`;
}

/** A mark in a record: 1 or absent. */
export const flag = z.optional(oneOf(1));

/** Ids and times of MPC: its documents declare strings and show numbers. */
export const textOrNumber = z.union([z.string(), z.int()]);

export const isText = (value: unknown): value is string => typeof value === 'string';

/**
 * Parses JSON of unknown origin.
 * @returns the value without `null` properties, which services send for "absent"; undefined when the text is not JSON
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) => (value === null ? undefined : value));
  } catch {
    return undefined;
  }
}
