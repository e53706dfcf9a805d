/** Lets jest read TypeScript, with the bundler that the functions are built with. Jest itself notices changed options by this file's content. */
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { transformSync, version } = require('esbuild');

const OPTIONS = {
  loader: 'ts',
  format: 'cjs',
  target: 'node20',
  sourcemap: 'inline',
  // Jest runs sources in a context of its own, where Node.js does not import: a require takes its place.
  supported: { 'dynamic-import': false },
};
const OWN_VERSION = version + readFileSync(__filename, 'utf8');

module.exports = {
  process: (source, file) => ({ code: transformSync(source, { ...OPTIONS, sourcefile: file }).code }),
  getCacheKey: (source, file) =>
    createHash('sha1')
      .update(OWN_VERSION)
      .update('\0')
      .update(file)
      .update('\0')
      .update(source)
      .digest('hex'),
};
