/** When a timer trigger fires next. */
export interface Schedule {
  /** The first time after `afterMs`, in ms since the epoch; undefined when there is none. */
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
/** The calendar repeats its leap days within eight years. */
const HORIZON_MS = 8 * 366 * DAY_MS;

/** `3m`, `5h` or `2d`: at most 60 minutes, 24 hours or 30 days (FunctionGraph user guide, timer trigger). */
export function parseRate(expression: string): Schedule {
  const [, count = '', unit = ''] = /^(\d+)([mhd])$/.exec(expression) ?? [];
  const limit = RATE_LIMIT[unit];
  if (limit === undefined || Number(count) < 1 || Number(count) > limit) {
    throw new Error(`schedule "${expression}" is no rate: use 1m to 60m, 1h to 24h or 1d to 30d`);
  }
  return every(Number(count) * (unit === 'd' ? DAY_MS : (UNIT_MS[unit] ?? 0)));
}

/**
 * `@every 1h30m`, or five or six fields `second minute hour day-of-month month [day-of-week]`, either after an optional
 * `CRON_TZ=zone ` (FunctionGraph user guide, cron expressions of timer triggers).
 *
 * Undocumented, taken over from the cron library whose dialect this is: when
 * both days are restricted, a day that matches either one counts.
 *
 * @param timeZone IANA name of the zone that holds without CRON_TZ
 * @throws Error that names the field that is wrong
 */
export function parseCron(expression: string, timeZone: string): Schedule {
  const [, ownZone, fields = ''] = /^(?:CRON_TZ=(\S+)\s+)?(.*)$/.exec(expression.trim()) ?? [];
  if (fields.startsWith('@every ')) return every(parseDuration(fields.slice('@every '.length)));
  return cronSchedule(parseFields(fields), wallClock(ownZone ?? timeZone));
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
  seconds: Set<number>;
  minutes: Set<number>;
  hours: Set<number>;
  daysOfMonth: Set<number>;
  months: Set<number>;
  weekdays: Set<number>;
  /** Both kinds of day are restricted: either one may match. */
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
function parseField(name: string, text: string, min: number, max: number, names: string[] = []): Set<number> {
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
  return values;
}

/** What a clock on the wall shows. */
interface WallTime {
  second: number;
  minute: number;
  hour: number;
  day: number;
  month: number;
  year: number;
  weekday: number;
}

function wallClock(timeZone: string): (timeMs: number) => WallTime {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (timeMs) => {
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(timeMs)) parts[type] = Number(value);
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
    return {
      year,
      month,
      day,
      hour,
      minute,
      second,
      weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay(),
    };
  };
}

/**
 * Walks forward in real time and looks at the wall clock, in leaps that cannot pass a match, so that changes between
 * summer and winter time need no rule of their own.
 */
function cronSchedule(fields: CronFields, wallClockAt: (timeMs: number) => WallTime): Schedule {
  const dayMatches = (wall: WallTime) => {
    const byMonth = fields.daysOfMonth.has(wall.day);
    const byWeek = fields.weekdays.has(wall.weekday);
    return fields.eitherDay ? byMonth || byWeek : byMonth && byWeek;
  };
  const leapMs = (wall: WallTime): number => {
    const toNextMinuteMs = (60 - wall.second) * 1000;
    const toNextHourMs = (59 - wall.minute) * 60_000 + toNextMinuteMs;
    const toNextDayMs = (23 - wall.hour) * HOUR_MS + toNextHourMs;
    // A day may be an hour shorter than its wall clock says: stay clear of its end, then go on by the hour.
    const careful = (leap: number) => Math.max(leap - 2 * HOUR_MS, toNextHourMs);
    if (!fields.months.has(wall.month)) {
      const daysInMonth = new Date(Date.UTC(wall.year, wall.month, 0)).getUTCDate();
      return careful((daysInMonth - wall.day) * DAY_MS + toNextDayMs);
    }
    if (!dayMatches(wall)) return careful(toNextDayMs);
    if (!fields.hours.has(wall.hour)) return toNextHourMs;
    if (!fields.minutes.has(wall.minute)) return toNextMinuteMs;
    return fields.seconds.has(wall.second) ? 0 : 1000;
  };
  return {
    next(afterMs) {
      let timeMs = (Math.floor(afterMs / 1000) + 1) * 1000;
      for (const endMs = timeMs + HORIZON_MS; timeMs < endMs; ) {
        const leap = leapMs(wallClockAt(timeMs));
        if (leap === 0) return timeMs;
        timeMs += leap;
      }
      return undefined;
    },
  };
}
