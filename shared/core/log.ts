const LEVELS = { debug: 10, info: 20, warn: 30, error: 40 } as const;

export type LogLevel = keyof typeof LEVELS;

type Fields = Readonly<Record<string, unknown>>;

/** Writes one JSON line per event. Fields must be chosen one by one, so that no secret can slip in. */
export class Log {
  readonly debug = this.at('debug');
  readonly info = this.at('info');
  readonly warn = this.at('warn');
  readonly error = this.at('error');

  constructor(
    private readonly requestId: string,
    private readonly level: LogLevel = 'info',
  ) {}

  private at(level: LogLevel) {
    return (event: string, fields: Fields = {}): void => {
      if (LEVELS[level] < LEVELS[this.level]) return;
      const time = new Date().toISOString();
      const line = JSON.stringify({ time, level, event, request_id: this.requestId, ...fields });
      if (level === 'error') console.error(line);
      else console.log(line);
    };
  }
}
