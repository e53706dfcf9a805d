import { createDeployedConsole } from '../../console/sources/deployed/console-server';
import { callerOf, deployedService } from '../../console/sources/deployed/deployed-service';
import { asTyped } from '../../package-folder';
import { closeServer, listen } from '../http-server';
import { UsageError } from '../usage-error';
import { readArguments, readInteger } from './arguments';
import { deployedStage } from './deployed-stage';
import { openInBrowser } from './open-in-browser';
import { stopSignal } from './stop-signal';
import { print } from './terminal';

export const OPTIONS = {
  api: { type: 'string' },
  stage: { type: 'string' },
  write: { type: 'boolean' },
  port: { type: 'string' },
  'no-open': { type: 'boolean' },
} as const;

/**
 * `npm run console`: runs the console on this machine for deployed functions, with the caller's own credentials.
 * @returns exit code 0 after Ctrl+C
 */
export async function openConsole(args: readonly string[]): Promise<number> {
  const { values } = readArguments(args, {
    options: OPTIONS,
  });
  const port = readInteger('--port', values.port, [0, 65_535]) ?? 0;
  const { environment, readLog } =
    values.stage === undefined
      ? { environment: process.env }
      : await deployedStage(values.stage, process.env, values.api);
  const service = deployedService(values, environment);
  const canWrite = values.write === true;
  const console = createDeployedConsole({
    service,
    caller: callerOf(environment),
    canWrite,
    command: asTyped(['npm run console', ...(args.length > 0 ? ['--', ...args] : [])].join(' ')),
    readLog,
  });
  const stopped = stopSignal();
  const taken = await listen(console.server, port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new UsageError(`port ${port} is taken by another program; choose another one with --port N`);
  });
  const link = `http://127.0.0.1:${taken}${console.entryPath}`;
  print(
    `${service.name} at ${service.apiEndpoint}, ${canWrite ? 'with' : 'read-only; --write allows'} uploading and cancelling`,
  );
  print(`  ${link}\n\nThe link acts with your rights: keep it secret. Ctrl+C stops it.`);
  if (!values['no-open']) await openInBrowser(link);
  await stopped;
  console.close();
  await closeServer(console.server);
  return 0;
}
