import { Faults } from '../../../local/faults/faults';
import type { FaultShares } from '../../../local/faults/parse-faults';
import { until } from '../../wait';

const started: Faults[] = [];
afterEach(() => {
  for (const faults of started.splice(0)) faults.close();
});

function deliver(
  shares: FaultShares,
  events: readonly string[],
  seed = 7,
): { arrived: string[]; hit: string[] } {
  const hit: string[] = [];
  const faults = new Faults({ shares, seed, onFault: ({ name, what }) => hit.push(`${name} ${what}`) });
  started.push(faults);
  const arrived: string[] = [];
  for (const event of events) faults.deliver(event, () => arrived.push(event));
  return { arrived, hit };
}

const MANY = Array.from({ length: 200 }, (_, index) => `event ${index}`);

test('without faults every event comes at once and in order', () => {
  expect(deliver({}, MANY)).toEqual({ arrived: MANY, hit: [] });
});

test('drop: an event never comes', async () => {
  const { arrived, hit } = deliver({ drop: 0.3 }, MANY);
  const dropped = hit.map((line) => line.replace('drop ', ''));
  expect(arrived).toEqual(MANY.filter((event) => !dropped.includes(event)));
  // Four standard deviations of 200 draws at 0.3: 60 ± 26.
  expect(Math.abs(dropped.length - 60)).toBeLessThan(26);
});

test('duplicate: an event comes twice', async () => {
  const { arrived } = deliver({ duplicate: 1 }, ['a']);
  expect(arrived).toEqual(['a']);
  await until(() => arrived.length === 2);
  expect(arrived).toEqual(['a', 'a']);
});

test('delay: an event comes later', async () => {
  const { arrived } = deliver({ delay: 1 }, ['a']);
  expect(arrived).toEqual([]);
  await until(() => arrived.length === 1);
});

test('reorder: an event comes after the next one', () => {
  const { arrived, hit } = deliver({ reorder: 0.1 }, MANY);
  expect(hit.length).toBeGreaterThan(5);
  expect(arrived).not.toEqual(MANY);
  for (const line of hit) {
    const event = line.replace('reorder ', '');
    const next = MANY.slice(MANY.indexOf(event) + 1).find((later) => !hit.includes(`reorder ${later}`))!;
    expect(arrived.indexOf(event)).toBeGreaterThan(arrived.indexOf(next));
  }
  expect([...arrived].sort()).toEqual([...MANY].sort());
});

test('reorder: an event still comes when no other follows', async () => {
  const { arrived } = deliver({ reorder: 1 }, ['a']);
  expect(arrived).toEqual([]);
  await until(() => arrived.length === 1);
});

test('no event comes after closing', async () => {
  const { arrived } = deliver({ delay: 1 }, MANY);
  started[0]!.close();
  const { arrived: later } = deliver({ delay: 1 }, MANY);
  await until(() => later.length === MANY.length);
  expect(arrived).toEqual([]);
});

test('the same seed hits the same events, another one others; another fault beside it shifts nothing', () => {
  const hits = (shares: FaultShares, seed: number) =>
    deliver(shares, MANY, seed).hit.filter((line) => line.startsWith('drop'));
  const first = hits({ drop: 0.2 }, 7);
  expect(first.length).toBeGreaterThan(0);
  expect(hits({ drop: 0.2 }, 7)).toEqual(first);
  expect(hits({ drop: 0.2, duplicate: 0.5, reorder: 0.5, delay: 0.5 }, 7)).toEqual(first);
  expect(hits({ drop: 0.2 }, 8)).not.toEqual(first);
});
