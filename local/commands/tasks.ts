import type { Task, TaskStatus } from '../../console/server/console-api';
import { printable } from '../../printable';
import { UsageError } from '../usage-error';
import { readArguments, readInteger } from './arguments';
import { CLOUD_OPTIONS, RunningCloud } from './running-cloud';
import { coloured, print, printJson, table } from './terminal';

const DEFAULT_COUNT = 20;
const COLOUR = {
  WAITING: 'yellow',
  PROCESSING: 'yellow',
  SUCCEEDED: 'green',
  FAILED: 'red',
  CANCELED: 'dim',
} as const satisfies Record<TaskStatus, string>;

export const OPTIONS = { ...CLOUD_OPTIONS, status: { type: 'string' }, count: { type: 'string' } } as const;

/** A task, and its place in MPC's queue. */
type ListedTask = Task & { queuePosition?: number };

/**
 * Lists the newest tasks.
 * @returns exit code 0; 1 if there is no task to list
 */
export async function tasks(args: readonly string[]): Promise<number> {
  const { values } = readArguments(args, {
    options: OPTIONS,
  });
  const status = values.status?.toUpperCase();
  if (status !== undefined && !Object.hasOwn(COLOUR, status)) {
    throw new UsageError(`--status must be one of ${Object.keys(COLOUR).join(', ')}, got "${values.status}"`);
  }
  const count = readInteger('--count', values.count, [1, 2000]) ?? DEFAULT_COUNT;
  const all = withQueuePositions((await RunningCloud.at(values).state()).tasks);
  const fitting = all.filter((task) => status === undefined || task.status === status);
  const listed = fitting.slice(0, count);
  if (values.json) printJson(listed);
  else show(listed, fitting.length);
  return listed.length > 0 ? 0 : 1;
}

/** @param tasks newest first */
function withQueuePositions(tasks: readonly Task[]): ListedTask[] {
  let ahead = 0;
  return tasks
    .toReversed()
    .map((task) => (task.status === 'WAITING' ? { ...task, queuePosition: ++ahead } : task))
    .reverse();
}

function show(listed: readonly ListedTask[], total: number): void {
  if (listed.length === 0) {
    print('no tasks');
    return;
  }
  const rows = listed.map((task) => [
    task.id,
    task.status,
    progressOf(task),
    new Date(task.createdAtMs).toTimeString().slice(0, 8),
    printable([`${task.bucket}/${task.key}`, task.description].filter(Boolean).join(': ')),
  ]);
  for (const [index, line] of table([
    ['task', 'status', 'progress', 'created', 'video'],
    ...rows,
  ]).entries()) {
    const task = listed[index - 1];
    print(
      task === undefined
        ? coloured('dim', line)
        : line.replace(task.status, (word) => coloured(COLOUR[task.status], word)),
    );
  }
  if (total > listed.length) print(`${total - listed.length} more; --count ${total} shows them`);
}

function progressOf({ queuePosition, frameCount, startedAtMs, endedAtMs }: ListedTask): string {
  if (queuePosition !== undefined) return `no. ${queuePosition} in the queue`;
  const frames = `${frameCount} frame${frameCount === 1 ? '' : 's'}`;
  if (startedAtMs === undefined || endedAtMs === undefined) return frames;
  return `${frames} in ${((endedAtMs - startedAtMs) / 1000).toFixed(1)} s`;
}
