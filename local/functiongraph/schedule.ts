import { Cron } from 'croner';

/** When a timer trigger fires next. */
export interface Schedule {
  /** The first time after `afterMs`, in ms since the epoch; undefined if there is none. */
  next(afterMs: number): number | undefined;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: HOUR_MS,
};
const RATE_LIMIT: Record<string, number> = { m: 60, h: 24, d: 30 };
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** `3m`, `5h` or `2d`: at most 60 minutes, 24 hours or 30 days (FunctionGraph user guide, timer trigger). */
export function parseRate(expression: string): Schedule {
  const [, count = '', unit = ''] = /^(\d+)([mhd])$/.exec(expression) ?? [];
  const limit = RATE_LIMIT[unit];
  if (limit === undefined || Number(count) < 1 || Number(count) > limit) {
    throw new Error(`schedule "${expression}" is not a rate: use 1m to 60m, 1h to 24h or 1d to 30d`);
  }
  return every(Number(count) * (unit === 'd' ? DAY_MS : (UNIT_MS[unit] ?? 0)));
}

/**
 * `@every 1h30m`, or five or six fields `second minute hour day-of-month month [day-of-week]`, both with an optional
 * `CRON_TZ=zone ` in front (FunctionGraph user guide, cron expressions of timer triggers).
 *
 * Undocumented, as in the cron library whose dialect this is: if both kinds of day are restricted, a day that matches
 * one of them counts.
 *
 * @param timeZone IANA name of the zone without CRON_TZ
 * @throws Error that names the wrong field
 */
export function parseCron(expression: string, timeZone: string): Schedule {
  const [, ownZone, fields = ''] = /^(?:CRON_TZ=(\S+)\s+)?(\S.*)$/.exec(expression.trim()) ?? [];
  if (fields.startsWith('@every ')) return every(parseDuration(fields.slice('@every '.length)));
  const zone = ownZone ?? timeZone;
  assertTimeZone(zone);
  return cronSchedule(parseFields(fields), zone);
}

/** @throws Error that names the zone */
function assertTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw new Error(`time zone "${timeZone}" does not exist: use an IANA name such as Asia/Shanghai`);
  }
}

function every(intervalMs: number): Schedule {
  return { next: (afterMs) => afterMs + intervalMs };
}

function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  const durationMs = parts.reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (UNIT_MS[unit] ?? 0),
    0,
  );
  if (parts.map(([part]) => part).join('') !== text || durationMs < 1000) {
    throw new Error(`"@every ${text}" must name a duration of at least 1 s, for example @every 1h30m`);
  }
  return durationMs;
}

interface CronFields {
  seconds: number[];
  minutes: number[];
  hours: number[];
  daysOfMonth: number[];
  months: number[];
  weekdays: number[];
  /** True if both kinds of day are restricted. Then either one may match. */
  eitherDay: boolean;
}

function parseFields(text: string): CronFields {
  const fields = text.split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    throw new Error(
      `schedule "${text}" has ${fields.length} fields: write second minute hour day-of-month month [day-of-week]`,
    );
  }
  const [second = '', minute = '', hour = '', dayOfMonth = '', month = '', weekday = '?'] = fields;
  const restricted = (field: string) => !/^[*?]/.test(field);
  return {
    seconds: parseField('second', second, 0, 59),
    minutes: parseField('minute', minute, 0, 59),
    hours: parseField('hour', hour, 0, 23),
    daysOfMonth: parseField('day-of-month', dayOfMonth.replace('?', '*'), 1, 31),
    months: parseField('month', month, 1, 12, MONTHS),
    weekdays: parseField('day-of-week', weekday.replace('?', '*'), 0, 6, WEEKDAYS),
    eitherDay: restricted(dayOfMonth) && restricted(weekday),
  };
}

/** One field: comma-separated values, ranges and steps, such as `1,5-9,*\/15`. */
function parseField(name: string, text: string, min: number, max: number, names: string[] = []): number[] {
  const invalid = () =>
    new Error(`field ${name} "${text}": use values from ${min} to ${max} with , - * and /`);
  const parseValue = (value: string) => {
    const named = names.indexOf(value.toUpperCase());
    const number = named >= 0 ? named + min : Number(value);
    if (!/^(\d+|[A-Za-z]{3})$/.test(value) || !(number >= min && number <= max)) throw invalid();
    return number;
  };
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [, range = '', step] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
    const [from = '', to, ...rest] = range.split('-');
    if (range === '' || rest.length > 0 || step === '0') throw invalid();
    const first = from === '*' ? min : parseValue(from);
    const last = from === '*' ? max : to !== undefined ? parseValue(to) : step !== undefined ? max : first;
    if (first > last || (from === '*' && to !== undefined)) throw invalid();
    for (let value = first; value <= last; value += Number(step ?? 1)) values.add(value);
  }
  return [...values];
}

/**
 * If summer time skips a time of the day, Croner would move it to the end of the gap; if it repeats a time, Croner
 * would skip the repetition. The library whose dialect this is does neither. Patterns with a step, even a step of one,
 * are not such times.
 */
function cronSchedule(fields: CronFields, timezone: string): Schedule {
  const seconds = fields.seconds.map((second) => `${second}-${second}/1`);
  const { minutes, hours, daysOfMonth, months, weekdays, eitherDay } = fields;
  const pattern = [seconds, minutes, hours, daysOfMonth, months, weekdays].join(' ');
  const cron = new Cron(pattern, { mode: '6-part', timezone, domAndDow: !eitherDay });
  return { next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() };
}
