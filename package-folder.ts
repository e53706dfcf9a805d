import path from 'node:path';

/** Set by tools/build-package.ts while it bundles. */
declare const PACKAGED: true | undefined;

/**
 * Folder of the package `mpc-snapshots` where these programs run from one; undefined in a clone. In the package everything that a
 * clone builds when it is needed (functions, pages, child programs) lies there ready.
 */
export const PACKAGE_FOLDER: string | undefined =
  typeof PACKAGED === 'undefined' ? undefined : path.dirname(__dirname);
