const LEVELS = { debug: 10, info: 20, warn: 30, error: 40 } as const;

export type LogLevel = keyof typeof LEVELS;

/** Writes one JSON line per event. Fields must be chosen one by one, so that no secret can slip in. */
export class Log {
  constructor(
    private readonly requestId: string,
    private readonly level: LogLevel = 'info',
  ) {}

  debug(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.write('debug', event, fields);
  }

  info(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.write('info', event, fields);
  }

  warn(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.write('warn', event, fields);
  }

  error(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.write('error', event, fields);
  }

  private write(level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>): void {
    if (LEVELS[level] < LEVELS[this.level]) return;
    const line = JSON.stringify({
      time: new Date().toISOString(),
      level,
      event,
      request_id: this.requestId,
      ...fields,
    });
    if (level === 'error') console.error(line);
    else console.log(line);
  }
}
