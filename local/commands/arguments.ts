import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from '../usage-error';

/**
 * Reads a command's arguments.
 * @throws UsageError for an option that the command does not have, or one without its value
 */
export function readArguments<const Config extends ParseArgsConfig>(
  args: readonly string[],
  config: Config,
): ReturnType<typeof parseArgs<Config & { args: string[] }>> {
  try {
    return parseArgs({ ...config, args: [...args] });
  } catch (error) {
    // Node.js adds a long explanation of values that begin with a dash.
    const [complaint = ''] = (error as Error).message.split(/\.?\n|\.? To specify /);
    throw new UsageError(`${complaint}; see npm run --silent local -- help`);
  }
}

/**
 * Reads an option that is a whole number.
 * @param limits the smallest and the largest
 * @returns undefined if the option is not given
 * @throws UsageError
 */
export function readInteger(
  name: string,
  text: string | undefined,
  [smallest, largest]: readonly [number, number],
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= smallest && value <= largest) return value;
  throw new UsageError(`${name} must be a whole number from ${smallest} to ${largest}, got "${text}"`);
}

/**
 * Reads the one object key that a command needs.
 * @throws UsageError
 */
export function readKey(command: string, positionals: readonly string[]): string {
  const [key, ...more] = positionals;
  if (key !== undefined && more.length === 0) return key;
  throw new UsageError(`${command} needs one object key, such as uploads/sample.mp4`);
}
