import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface DocumentedEvent {
  levels: string[];
  fields: string[];
}

/** Fields of every line. */
export const COMMON_FIELDS = ['time', 'level', 'event', 'request_id', 'function'];

/** The table of docs/log-events.md, by event. */
export function documentedEvents(): Map<string, DocumentedEvent> {
  const text = readFileSync(path.join(__dirname, '../../../docs/log-events.md'), 'utf8');
  const failure = namesIn(/\*failure\* stands for the fields ([\s\S]*?), each/.exec(text)?.[1] ?? '');
  const rows = text.split('\n').flatMap((line): [string, DocumentedEvent][] => {
    const [, event, levels = '', fields = '', meaning = ''] =
      /^\| `([\w.]+)` \| ([^|]+) \| ([^|]*) \| (.+) \|$/.exec(line) ?? [];
    if (event === undefined || meaning.trim() === '') return [];
    const named = namesIn(fields);
    return [
      [
        event,
        { levels: levels.split(', '), fields: fields.includes('*failure*') ? [...named, ...failure] : named },
      ],
    ];
  });
  return new Map(rows);
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
}
