import path from 'node:path';

/** Set by tools/build-package.ts while it bundles. */
declare const PACKAGED: true | undefined;

/**
 * Folder of the package `mpc-snapshots` where these programs run from one; undefined in a clone. In the package everything that a
 * clone builds when it is needed (functions, pages, child programs) lies there ready.
 */
export const PACKAGE_FOLDER: string | undefined =
  typeof PACKAGED === 'undefined' ? undefined : path.dirname(__dirname);

/**
 * The commands in a text as they are typed here: texts name the scripts of a clone, and the package has no scripts.
 * @param isPackaged whether these programs run from the package
 */
export function asTyped(text: string, isPackaged = PACKAGE_FOLDER !== undefined): string {
  if (!isPackaged) return text;
  return text
    .replaceAll(/npm run (?:--silent )?local -- /g, 'npx mpc-snapshots ')
    .replaceAll(
      /npm run (?:--silent )?(console|setup|deploy|package|invoke|doctor|info|callers|logs|backfill|remove)\b(?: --(?= ))?/g,
      'npx mpc-snapshots $1',
    )
    .replaceAll(/npm start(?: --(?= ))?/g, 'npx mpc-snapshots start');
}
