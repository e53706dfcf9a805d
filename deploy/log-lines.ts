/** A line of a log, written by a function or by the platform. Functions' lines have the fields of docs/log-events.md. */
export interface LogLine {
  time?: string | undefined;
  level?: string | undefined;
  event?: string | undefined;
  request_id?: string | undefined;
  function?: string | undefined;
  /** The text of a line that is not an event. */
  text?: string | undefined;
  [field: string]: unknown;
}

/** `2026-11-27T22:00:00Z <request id> INFO <text>`: the platform's form of a line that a function prints. */
const PRINTED = /^(\d{4}-\d\d-\d\dT[\d:.]+Z?)\s+([\w-]{8,})\s+(DEBUG|INFO|WARN|ERROR)\s+(\S[\s\S]*)$/;
/** `… Start invoke request '<request id>', version: latest` */
const PLATFORM = /^(\d{4}-\d\d-\d\dT[\d:.]+Z?)\s+((?:Start|Finish) invoke request '([\w-]+)'[\s\S]*)$/;

/** Parses a line from LTS. Any line can be shown, at least as text. */
export function readLogLine(content: string): LogLine {
  const line = content.trimEnd();
  const [, startedAt, said, invocation] = PLATFORM.exec(line) ?? [];
  if (said !== undefined) return { time: startedAt, level: 'info', request_id: invocation, text: said };
  const [, time, requestId, level, text = line] = PRINTED.exec(line) ?? [];
  const event = eventIn(text);
  if (event !== undefined) return event;
  return { time, level: level?.toLowerCase(), request_id: requestId, text };
}

/** The event in a line; its JSON may begin anywhere. */
function eventIn(text: string): LogLine | undefined {
  const start = text.indexOf('{"time":');
  if (start < 0) return undefined;
  try {
    const event = Object(JSON.parse(text.slice(start))) as LogLine;
    return typeof event.event === 'string' ? event : undefined;
  } catch {
    return undefined;
  }
}

/** A line for people: time, function, level, event, fields, invocation. Lines of a longer text are indented. */
export function lineText({
  time,
  level,
  event,
  request_id: id,
  function: name,
  text,
  ...fields
}: LogLine): string {
  const said =
    text ??
    [
      event,
      ...Object.entries(fields).map(
        ([field, value]) => `${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      ),
    ].join(' ');
  const parts = [time ?? '', name ?? '-', (level ?? '').padEnd(5), said];
  // The platform's sentences already contain it.
  if (id !== undefined && !said.includes(id)) parts.push(`(${id})`);
  // A name or a message with a line end cannot look like another line.
  return parts
    .filter((part) => part !== '')
    .join('  ')
    .replaceAll('\n', '\n    ');
}
