import { printable } from '../../printable';
import { readArguments, readKey } from './arguments';
import { CLOUD_OPTIONS, RunningCloud } from './running-cloud';
import { print, printJson } from './terminal';

export const OPTIONS = { ...CLOUD_OPTIONS, twice: { type: 'boolean' } } as const;

/**
 * Delivers the event of an upload by hand: after a lost event, or to see that a second one does no harm.
 * @returns exit code 0; 1 if there is no such object, or no trigger wants the event
 */
export async function deliver(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args, {
    allowPositionals: true,
    options: OPTIONS,
  });
  const key = readKey('deliver', positionals);
  const requestIds = await RunningCloud.at(values).deliver(key, values.twice ? 2 : 1);
  if (requestIds === undefined) {
    process.stderr.write(`there is no object ${printable(key)} in the upload bucket\n`);
    return 1;
  }
  if (values.json) printJson({ requestIds });
  else if (requestIds.length === 0) print('no trigger wants this event: nothing was delivered');
  else for (const requestId of requestIds) print(`delivered as invocation ${requestId}`);
  return requestIds.length > 0 ? 0 : 1;
}
