import * as z from 'zod/mini';
import {
  anything,
  flag,
  integer,
  integers,
  integerText,
  oneOf,
  parseJson,
  side,
  textLike,
  textThat,
  textUpTo,
  wholeNumber,
} from '../../../shared/core/schema';

/** What a schema says of a value; undefined when it takes it. */
const said = (schema: z.ZodMiniType, value: unknown) => z.safeParse(schema, value).error?.issues[0]?.message;

test.each<[z.ZodMiniType, unknown, string | undefined]>([
  [integer(1, 100, 's'), 100, undefined],
  [integer(1, 100, 's'), 101, 'must be a whole number from 1 to 100 s'],
  [integer(1, 100), 1.5, 'must be a whole number from 1 to 100'],
  [integer(1, 100), '1', 'must be a whole number from 1 to 100'],
  [integerText(1, 100, 's'), '100', undefined],
  [integerText(1, 100, 's'), '0', 'must be a whole number from 1 to 100 s'],
  [integerText(1, 100), '1e1', 'must be a whole number from 1 to 100'],
  [side(96, 3840), 0, undefined],
  [side(96, 3840), 95, 'must be 0 (follow the aspect ratio) or a whole number from 96 to 3840 px'],
  [integers(0, 10, 's'), [0, 10], undefined],
  [integers(0, 10, 's'), 3, 'must be a list of whole numbers from 0 to 10 s'],
  [integers(0, 10, 's'), [11], 'must be a list of whole numbers from 0 to 10 s'],
  [oneOf('a', 'b'), 'c', 'must be one of a, b'],
  [oneOf('a'), 'c', 'must be a'],
  [oneOf(0, 1), 1, undefined],
  [oneOf(0, 1), '1', 'must be one of 0, 1'],
  [textUpTo(3), 'abcd', 'must be a string of at most 3 characters'],
  [textLike(/^a+$/, 'must be a few a'), 'ab', 'must be a few a'],
  [wholeNumber, 0, undefined],
  [wholeNumber, -1, 'must be a whole number from 0 to 9007199254740991'],
  [textThat((value) => value !== '', 'must not be empty'), '', 'must not be empty'],
])('case %#: the error contains the allowed values and their unit', (schema, value, expected) => {
  expect(said(schema, value)).toBe(expected);
});

test('a flag is 1 or left out, and anything accepts every value', () => {
  expect([1, undefined, 0, true].map((value) => z.safeParse(flag, value).success)).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect([1, undefined, null].map((value) => z.safeParse(anything, value).success)).toEqual([
    true,
    true,
    true,
  ]);
});

test('properties that are null count as left out, and text that is not JSON is undefined', () => {
  expect(parseJson('{"a":null,"b":{"c":null,"d":0}}')).toEqual({ b: { d: 0 } });
  expect(parseJson('{')).toBeUndefined();
});
