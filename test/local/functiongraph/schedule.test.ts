import fc from 'fast-check';
import { parseCron, parseRate } from '../../../local/functiongraph/schedule';

const at = (iso: string) => Date.parse(iso);
const iso = (timeMs: number | undefined) => (timeMs === undefined ? 'never' : new Date(timeMs).toISOString());
const next = (expression: string, after: string, zone = 'Asia/Shanghai') =>
  iso(parseCron(expression, zone).next(at(after)));

describe('cron', () => {
  test.each([
    // 23 November 2026 is a Monday; Shanghai is eight hours ahead.
    ['0 15 2 * * *', '2026-11-23T00:00:00Z', '2026-11-23T18:15:00.000Z'],
    ['*/15 * * * * *', '2026-11-23T00:00:14.999Z', '2026-11-23T00:00:15.000Z'],
    ['0 0 12 * *', '2026-11-23T04:00:00Z', '2026-11-24T04:00:00.000Z'],
    ['CRON_TZ=Europe/Berlin 0 30 12 ? * MON-FRI', '2026-11-20T12:00:00Z', '2026-11-23T11:30:00.000Z'],
    ['0 0 0 ? * 0', '2026-11-23T00:00:00Z', '2026-11-28T16:00:00.000Z'],
    ['0 0 0 1 jan,JUL ?', '2026-11-23T00:00:00Z', '2026-12-31T16:00:00.000Z'],
    ['0 0 0 29 2 ?', '2026-11-23T00:00:00Z', '2028-02-28T16:00:00.000Z'],
    ['0 0-10/5,30 8 * * *', '2026-11-23T00:05:00Z', '2026-11-23T00:10:00.000Z'],
    ['30 5/20 * * * *', '2026-11-23T00:25:30Z', '2026-11-23T00:45:30.000Z'],
    ['0 0 0 31 4 *', '2026-11-23T00:00:00Z', 'never'],
    // Both days restricted: the 13th or a Friday.
    ['0 0 0 13 * FRI', '2026-11-23T00:00:00Z', '2026-11-26T16:00:00.000Z'],
    // Half past two does not exist in Berlin on 29 March 2026, and comes twice on 25 October 2026.
    ['CRON_TZ=Europe/Berlin 0 30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00.000Z'],
    ['CRON_TZ=Europe/Berlin 0 30 2 * * *', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00.000Z'],
    ['@every 1h30m', '2026-11-23T00:00:00Z', '2026-11-23T01:30:00.000Z'],
    ['@every 1.5h', '2026-11-23T00:00:00Z', '2026-11-23T01:30:00.000Z'],
  ])('%s after %s fires at %s', (expression, after, expected) => {
    expect(next(expression, after)).toBe(expected);
  });

  test.each([
    '* * * *',
    '60 * * * * *',
    '* * 24 * * *',
    '* * * 0 * *',
    '* * * * 13 *',
    '* * * * * 7',
    '5-1 * * * * *',
    '*/0 * * * * *',
    'a * * * * *',
    '1- * * * * *',
    '@every',
    '@every 1x',
    '@every 10ms',
    'CRON_TZ=Nowhere/Land * * * * * *',
  ])('%s is refused', (expression) => {
    expect(() => parseCron(expression, 'UTC')).toThrow();
  });

  test('the refusal names the field, its value and its range', () => {
    expect(() => parseCron('0 61 * * * *', 'UTC')).toThrow('field minute "61": use values from 0 to 59');
  });

  const field = (min: number, max: number) =>
    fc.oneof(
      fc.constant({ text: '*', values: range(min, max) }),
      fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 3 }).map((values) => ({
        text: values.join(','),
        values,
      })),
      fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([a, b]) => ({
        text: `${Math.min(a, b)}-${Math.max(a, b)}`,
        values: range(Math.min(a, b), Math.max(a, b)),
      })),
      fc.integer({ min: 1, max: 20 }).map((step) => ({
        text: `*/${step}`,
        values: range(min, max).filter((value) => (value - min) % step === 0),
      })),
    );
  const range = (min: number, max: number) =>
    Array.from({ length: max - min + 1 }, (_, index) => min + index);

  test('fires exactly at the seconds whose wall clock matches every field', () => {
    fc.assert(
      fc.property(
        field(0, 59),
        field(0, 59),
        field(0, 23),
        field(1, 31),
        field(1, 12),
        fc.integer({ min: at('2020-01-01'), max: at('2040-01-01') }),
        fc.constantFrom('UTC', 'Asia/Shanghai', 'Asia/Kolkata'),
        (second, minute, hour, day, month, afterMs, zone) => {
          const offsetMs =
            { UTC: 0, 'Asia/Shanghai': 8 * 3_600_000, 'Asia/Kolkata': 5.5 * 3_600_000 }[zone] ?? 0;
          const matches = (timeMs: number) => {
            const wall = new Date(timeMs + offsetMs);
            return (
              second.values.includes(wall.getUTCSeconds()) &&
              minute.values.includes(wall.getUTCMinutes()) &&
              hour.values.includes(wall.getUTCHours()) &&
              day.values.includes(wall.getUTCDate()) &&
              month.values.includes(wall.getUTCMonth() + 1)
            );
          };
          const expression = `${second.text} ${minute.text} ${hour.text} ${day.text} ${month.text} *`;
          const fired = parseCron(expression, zone).next(afterMs);
          const firstSecond = (Math.floor(afterMs / 1000) + 1) * 1000;
          // Look at every second of the next three hours, then at those that could match in the last three before it.
          const lookAhead =
            fired === undefined ? firstSecond + 10_800_000 : Math.min(fired, firstSecond + 10_800_000);
          for (let timeMs = firstSecond; timeMs < lookAhead; timeMs += 1000)
            if (matches(timeMs)) return false;
          if (fired === undefined) return !range(1, 31).every((n) => day.values.includes(n));
          for (let timeMs = Math.max(firstSecond, fired - 10_800_000); timeMs < fired; timeMs += 1000) {
            if (matches(timeMs)) return false;
          }
          return fired > afterMs && fired % 1000 === 0 && matches(fired);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('through a whole year with changes to and from summer time every midnight of Berlin is met once', () => {
    const schedule = parseCron('CRON_TZ=Europe/Berlin 0 0 0 * * *', 'UTC');
    const days: string[] = [];
    for (let timeMs = at('2026-01-01T12:00:00Z'); timeMs < at('2026-12-31T12:00:00Z'); ) {
      timeMs = schedule.next(timeMs) ?? Number.POSITIVE_INFINITY;
      days.push(new Date(timeMs).toLocaleString('en-CA', { timeZone: 'Europe/Berlin', hourCycle: 'h23' }));
    }
    expect(days).toHaveLength(365);
    expect(new Set(days).size).toBe(365);
    expect(days.every((day) => day.endsWith('00:00:00'))).toBe(true);
  });
});

describe('rate', () => {
  test.each([
    ['3m', 180_000],
    ['60m', 3_600_000],
    ['24h', 86_400_000],
    ['30d', 2_592_000_000],
  ])('%s fires every %d ms', (expression, intervalMs) => {
    expect(parseRate(expression).next(1000)).toBe(1000 + intervalMs);
  });

  test.each(['0m', '61m', '25h', '31d', '3', 'm', '3s', '1.5h'])('%s is refused', (expression) => {
    expect(() => parseRate(expression)).toThrow('1m to 60m, 1h to 24h or 1d to 30d');
  });
});
