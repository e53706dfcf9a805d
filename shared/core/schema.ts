import * as z from 'zod/mini';

// Every leaf of every schema is one predicate with its own words. zod's other kinds of leaves and checks would say the
// same in fewer words to a person and in a third more bytes in each function.

/** A value that the predicate accepts; the error says what is allowed and in which unit. */
const valueThat = <T>(holds: (value: unknown) => boolean, error: string) => z.custom<T>(holds, { error });

export const isText = (value: unknown): value is string => typeof value === 'string';

/** A text that the rule accepts. */
export const textThat = (holds: (value: string) => boolean, error: string) =>
  valueThat<string>((value) => isText(value) && holds(value), error);

export const text = textThat(() => true, 'must be a text');

export const textUpTo = (maximum: number) =>
  textThat((value) => value.length <= maximum, `must be a text of at most ${maximum} characters`);

/** A whole number; `unit` stands behind the limits in the error. */
export const whole = (minimum: number, maximum: number, unit = '') =>
  valueThat<number>((value) => isWhole(value, minimum, maximum), mustBe(minimum, maximum, unit));

/** A whole number that comes as text, as in user data and query parameters. */
export const wholeText = (minimum: number, maximum: number, unit = '') =>
  textThat(
    (value) => /^\d{1,10}$/.test(value) && isWhole(Number(value), minimum, maximum),
    mustBe(minimum, maximum, unit),
  );

const mustBe = (minimum: number, maximum: number, unit: string, or = ''): string =>
  `must be ${or}a whole number from ${minimum} to ${maximum}${unit && ` ${unit}`}`;

/** A side of a picture: 0, or a whole number of pixels. */
export const side = (minimum: number, maximum: number) =>
  valueThat<number>(
    (value) => value === 0 || isWhole(value, minimum, maximum),
    mustBe(minimum, maximum, 'px', '0 (follow the aspect ratio) or '),
  );

/** A list of whole numbers. */
export const wholes = (minimum: number, maximum: number, unit: string) =>
  listOf<number>(
    (value) => isWhole(value, minimum, maximum),
    `must be a list of whole numbers from ${minimum} to ${maximum} ${unit}`,
  );

/** A list whose members the rule accepts. */
export const listOf = <T>(holds: (member: unknown) => boolean, error: string) =>
  valueThat<T[]>((value) => Array.isArray(value) && value.every(holds), error);

/** One value of a list. */
export const oneOf = <const T extends string | number>(...values: readonly T[]) =>
  valueThat<T>(
    (value) => values.includes(value as T),
    `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`,
  );

/** Ids and times of MPC, which its documents declare as strings and print as numbers. */
export const textOrNumber = valueThat<string | number>(
  (value) => isText(value) || typeof value === 'number',
  'must be a text or a number',
);

/** Something that is looked at later, or not at all. */
export const anything = valueThat<unknown>(() => true, '');

/** True for an object that has a text under this name. */
export function hasText(value: unknown, name: string): boolean {
  return isText((value as Record<string, unknown> | null | undefined)?.[name]);
}

function isWhole(value: unknown, minimum: number, maximum: number): boolean {
  return Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
}

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
