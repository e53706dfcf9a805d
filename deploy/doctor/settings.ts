import { readFinishSettings } from '../../shared/installation/finish-settings';
import { readSettings } from '../../shared/installation/settings';
import type { DesiredState, WantedFunction } from '../desired-state';
import { DeployError } from '../errors';
import type { Finding } from './finding';

/** Whether the functions would accept their user data: the code that reads it says so. */
export function checkSettings({ functions }: DesiredState): Finding[] {
  const keysByFault = new Map<string, string[]>();
  for (const one of functions) {
    const fault = settingsFault(one);
    if (fault !== undefined) keysByFault.set(fault, [...(keysByFault.get(fault) ?? []), one.key]);
  }
  if (keysByFault.size === 0) {
    return [{ point: 'user data', state: 'ok', text: 'the functions accept their settings' }];
  }
  return [...keysByFault].map(([text, keys]) => ({
    point: `user data of ${keys.join(', ')}`,
    state: 'missing',
    text,
    todo: 'change environment in serverless.yml, or the parameters that it takes its values from (docs/settings.md)',
  }));
}

/** @throws DeployError when a function would refuse its user data */
export function refuseSettings(wanted: DesiredState): void {
  const faults = checkSettings(wanted).filter(({ state }) => state === 'missing');
  if (faults.length > 0) throw new DeployError(faults.map(({ point, text }) => `${point}: ${text}`));
}

/** What the functions say against the user data; undefined when they take it. */
function settingsFault({ userData, secrets }: WantedFunction): string | undefined {
  const values: Readonly<Record<string, string>> = { ...userData, ...secrets };
  try {
    // Variables of this shell are none of the functions' business.
    const context = { getUserData: (key: string) => values[key] };
    readFinishSettings(context, readSettings(context, {}), {});
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^wrong settings: /, '') : String(error);
  }
}
