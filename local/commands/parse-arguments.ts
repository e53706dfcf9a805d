import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from '../usage-error';

/** `parseArgs` of Node.js, whose complaints are for the person at the keyboard. @throws UsageError */
export function parseArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const [complaint] = (error as Error).message.split('\n');
    throw new UsageError(`${complaint} See npm run --silent local -- help`);
  }
}
