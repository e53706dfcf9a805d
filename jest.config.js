/**
 * What takes long and stands beside quicker tests of the same room: `npm run test:long` runs it, before a release
 * and every night; `npm test` leaves it out, so that a change is judged within minutes.
 */
const LONG = [
  'test/bench/variants.test.ts',
  'test/browser/example-site.test.ts',
  'test/browser/api-reference.test.ts',
  'test/browser/hostile-keys.test.ts',
  'test/browser/same-picture.test.ts',
  'test/browser/players.test.ts',
  'test/browser/screenshots.test.ts',
  'test/client/runtimes.test.ts',
  'test/deploy/deploy-failures.test.ts',
  'test/deploy/setup/commands.test.ts',
  'test/deploy/setup/setup.test.ts',
  'test/e2e/documents.test.ts',
  'test/e2e/many-pictures.test.ts',
  'test/e2e/replaced-video.test.ts',
  'test/local/faults/command-line.test.ts',
  'test/local/mpc/capture/hostile.test.ts',
  'test/local/obs/vendor-client.test.ts',
  'test/package.test.ts',
  'test/release.test.ts',
];

/** @type {import('jest').Config} */
module.exports = {
  testMatch: process.env.LONG ? LONG.map((file) => `<rootDir>/${file}`) : ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: process.env.LONG ? ['/node_modules/'] : ['/node_modules/', ...LONG],
  transform: { '^.+\\.ts$': '<rootDir>/test/transform.js' },
  modulePathIgnorePatterns: ['<rootDir>/.build/'],
  testTimeout: 30_000,
  maxWorkers: 2,
  // A worker keeps memory of each file that it has run; with all of them it becomes slow (510 s instead of 409 for the whole suite).
  workerIdleMemoryLimit: '400MB',
};
