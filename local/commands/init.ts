import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../../package-folder';
import { UsageError } from '../usage-error';
import { readArguments } from './arguments';
import { print } from './terminal';

export const OPTIONS = {} as const;

/**
 * Writes the `serverless.yml` that deploying needs into this folder.
 * @returns exit code 0
 * @throws UsageError if the folder has one
 */
export async function init(args: readonly string[]): Promise<number> {
  readArguments(args, { options: OPTIONS });
  const folder = PACKAGE_FOLDER ?? path.resolve(__dirname, '..', '..');
  const text = (await readFile(path.join(folder, 'serverless.yml'), 'utf8')).replace(
    './deploy/serverless-plugin.cjs',
    'mpc-snapshots/serverless-plugin',
  );
  await writeFile('serverless.yml', text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new UsageError('this folder already has a serverless.yml: it was not changed');
  });
  print(`serverless.yml is written. Next:

  export HUAWEICLOUD_SDK_AK=… HUAWEICLOUD_SDK_SK=…
  npx mpc-snapshots setup  --stage prod     # makes what the stage needs: buckets, agency, API group, logs
  npx mpc-snapshots doctor --stage prod     # checks it, and says what to do
  npx mpc-snapshots deploy --stage prod`);
  return 0;
}
