import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Log } from '../../../shared/core/log';
import { LOG_EVENTS } from '../../../shared/core/log-events';
import { documentedEvents } from './log-table';

const ROOT = path.join(__dirname, '../../..');

function sources(folder: string): string {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('log-events.ts'))
    .map((file) => readFileSync(path.join(ROOT, folder, file), 'utf8'))
    .join('\n');
}

test('docs/log-events.md has every event that can be logged, with its levels and fields, and no other', () => {
  const sorted = (
    events: Iterable<readonly [string, { levels: readonly string[]; fields: readonly string[] }]>,
  ) =>
    [...events]
      .map(([event, { levels, fields }]) => ({
        event,
        levels: [...levels].sort(),
        fields: [...fields].sort(),
      }))
      .sort((a, b) => (a.event < b.event ? -1 : 1));
  expect(sorted(documentedEvents())).toEqual(sorted(Object.entries(LOG_EVENTS)));
});

test('every event of the vocabulary is logged somewhere, and nothing is written past the log', () => {
  const code = sources('shared') + sources('functions');
  const unused = Object.keys(LOG_EVENTS).filter((event) => !code.includes(`'${event}'`));
  expect(unused).toEqual([]);
  expect(code.match(/console\.|process\.std\w+/g)).toEqual(['process.stderr', 'process.stdout']);
});

test('an event, a level or a field that the vocabulary does not have is an error of the compiler', () => {
  const log = new Log('r1', 'create', 'error');
  const more = { status: 200, secret: 'x' };
  const lines = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  log.info('api.answered', { status: 200 });
  // @ts-expect-error no such event
  log.info('api.unheard', { status: 200 });
  // @ts-expect-error an event of another level
  log.warn('api.answered', { status: 200 });
  // @ts-expect-error no such field
  log.info('api.answered', { ...more });
  // @ts-expect-error fields that nobody chose
  log.info('api.answered', more as Record<string, unknown>);
  expect(lines).not.toHaveBeenCalled();
  lines.mockRestore();
});
