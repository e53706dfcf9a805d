import { SettingsError } from '../shared/core/errors';
import { readSettings } from '../shared/installation/settings';
import { withAdvice } from './deploy';
import { liveState } from './live-state';
import { describeTrigger } from './plan-text';
import type { Session } from './session';

/** Prints the deployed functions of the stage. */
export async function info({ desired, api, print }: Session): Promise<void> {
  const { functions } = await withAdvice(() => liveState(api, desired));
  const own = functions.filter(({ isOwn }) => isOwn);
  print(`${desired.service}, stage ${desired.stage}, ${desired.region}: ${own.length} functions`);
  for (const line of captureLines(desired)) print(line);
  for (const { name, configuration, triggers } of own) {
    const { func_urn, runtime, memory_size, timeout, last_modified, digest } = configuration;
    print(`\n${name}`);
    print(`  ${func_urn}`);
    print(
      `  ${runtime}, ${memory_size} MB, ${timeout} s, code ${(digest ?? 'unknown').slice(0, 12)}, changed ${last_modified ?? 'unknown'}`,
    );
    for (const { trigger_type_code, trigger_status, event_data } of triggers) {
      const off = trigger_status === 'DISABLED' ? ' (off)' : '';
      const address = typeof event_data.invoke_url === 'string' ? ` ${event_data.invoke_url}` : '';
      print(`  ${describeTrigger(trigger_type_code, event_data)}${off}${address}`);
    }
  }
}

/** The names of CAPTURES; no line if only CAPTURE is set. */
function captureLines({ stage, functions }: Session['desired']): string[] {
  const userData = functions.find(({ source }) => source === 'on-upload')?.userData ?? {};
  if (userData.CAPTURES === undefined) return [];
  try {
    const { captures } = readSettings({ getUserData: (key) => userData[key] }, {});
    return [`captures: ${captures.flatMap(({ name }) => name ?? []).join(', ')}`];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return [`! captures unknown, ${error.message}; see npm run doctor -- --stage ${stage}`];
  }
}
