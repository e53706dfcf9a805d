import { isoTime } from './iso-time';
import type { EventAt, FieldOf, LevelOf, LogEvent } from './log-events';

const LEVELS = { debug: 10, info: 20, warn: 30, error: 40 } as const;

export type LogLevel = keyof typeof LEVELS;

/** The fields if the event has all of them; otherwise never. */
type OnlyFields<Fields, Event extends LogEvent> = Fields extends unknown
  ? Exclude<keyof Fields, FieldOf<Event>> extends never
    ? Fields
    : never
  : never;

/**
 * Writes one JSON line per event. LOG_EVENTS names the fields of each event one by one, so that no secret can slip in.
 */
export class Log {
  readonly debug = this.at('debug');
  readonly info = this.at('info');
  readonly warn = this.at('warn');
  readonly error = this.at('error');

  constructor(
    private readonly requestId: string,
    private readonly functionName: string,
    private readonly level: LogLevel = 'info',
  ) {}

  /** For an event whose level is known only at run time. */
  write<Event extends LogEvent, Fields extends object>(
    level: LevelOf<Event>,
    event: Event,
    fields: Fields & OnlyFields<Fields, Event>,
  ): void {
    if (LEVELS[level] < LEVELS[this.level]) return;
    const line = JSON.stringify({
      time: isoTime(Date.now()),
      level,
      event,
      request_id: this.requestId,
      function: this.functionName,
      ...fields,
    });
    (level === 'error' ? process.stderr : process.stdout).write(`${line}\n`);
  }

  private at<Level extends LogLevel>(level: Level) {
    return <Event extends EventAt<Level>, Fields extends object>(
      event: Event,
      fields: Fields & OnlyFields<Fields, Event>,
    ): void => this.write<Event, Fields>(level as LevelOf<Event>, event, fields);
  }
}
