import { Dice } from '../../../local/faults/dice';

const rolls = (dice: Dice, stream: string, count: number) =>
  Array.from({ length: count }, () => dice.roll(stream));

test('the same seed gives the same numbers, another one gives others', () => {
  const first = rolls(new Dice(7), 'crash', 100);
  expect(rolls(new Dice(7), 'crash', 100)).toEqual(first);
  expect(rolls(new Dice(8), 'crash', 100)).not.toEqual(first);
});

test('drawing from one stream does not shift another one', () => {
  const alone = rolls(new Dice(7), 'crash', 100);
  const dice = new Dice(7);
  const between = Array.from({ length: 100 }, (_, index) => {
    rolls(dice, 'drop', index % 3);
    return dice.roll('crash');
  });
  expect(between).toEqual(alone);
  expect(rolls(new Dice(7), 'drop', 100)).not.toEqual(alone);
});

test('numbers are spread evenly from 0 to below 1', () => {
  const tenths = new Array<number>(10).fill(0);
  for (const number of rolls(new Dice(7), 'crash', 10_000)) {
    const tenth = Math.floor(number * 10);
    tenths[tenth] = tenths[tenth]! + 1;
  }
  expect(tenths).toHaveLength(10);
  // Four standard deviations of a fair draw: 4 × √(10,000 × 0.1 × 0.9) = 120.
  for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(120);
});
