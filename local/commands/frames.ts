import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal, type Task } from '../../client/src';
import { printable } from '../../printable';
import { readArguments, readInteger, readKey } from './arguments';
import { openInBrowser } from './open-in-browser';
import { CLOUD_OPTIONS, RunningCloud } from './running-cloud';
import { print, printJson, table } from './terminal';

const DEFAULT_WAIT_SECONDS = 60;
const LOOK_AGAIN_MS = 200;

export const OPTIONS = { ...CLOUD_OPTIONS, wait: { type: 'string' }, open: { type: 'boolean' } } as const;

/**
 * Shows the frames of an upload's newest task, once the task is final.
 * @returns exit code 0: there are frames; 1: there are none and will be none; 3: not yet
 */
export async function frames(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args, {
    allowPositionals: true,
    options: OPTIONS,
  });
  const key = readKey('frames', positionals);
  const waitSeconds = readInteger('--wait', values.wait, [0, 3600]) ?? DEFAULT_WAIT_SECONDS;
  const cloud = RunningCloud.at(values);
  const endMs = Date.now() + waitSeconds * 1000;
  const started = await newestTask(key, cloud, endMs);
  if (typeof started === 'number') return started;
  const task = await cloud.finalTask(started.task_id, Math.max(0, endMs - Date.now()));
  const hasFrames = (task.thumbnail_info ?? []).length > 0;
  if (values.json) printJson(task);
  else show(key, task);
  if (values.open && hasFrames) await open(`${cloud.gateway}/snapshots/${task.task_id}?format=html`);
  if (!isFinal(task)) return 3;
  return hasFrames ? 0 : 1;
}

/** The newest task of an upload, whose event may still be on its way. An exit code if there is none. */
async function newestTask(key: string, cloud: RunningCloud, endMs: number): Promise<Task | number> {
  for (;;) {
    const { verdict, summary } = await cloud.explain(key);
    const task = await cloud.newestTask(key);
    if (task !== undefined) return task;
    if (verdict !== 'in_progress' || Date.now() >= endMs) {
      process.stderr.write(`${printable(key)} has no task. ${printable(summary)}\n`);
      return verdict === 'in_progress' ? 3 : 1;
    }
    await sleep(LOOK_AGAIN_MS);
  }
}

function show(key: string, { task_id, status, description, thumbnail_info: pictures = [] }: Task): void {
  const why = description === undefined ? '' : `: ${printable(description)}`;
  print(`${printable(key)}: task ${task_id} is ${status}${why}`);
  const rows = pictures.map(({ pic_name, time, url = '' }) => [`${time ?? '?'} s`, printable(pic_name), url]);
  for (const line of table(rows)) print(`  ${line}`);
}

async function open(address: string): Promise<void> {
  if (await openInBrowser(address)) return;
  process.stderr.write(`cannot open a browser here; the contact sheet is at ${address}\n`);
}
