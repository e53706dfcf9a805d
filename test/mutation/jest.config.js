/** Without TESTS: the tests that are fast enough to run once per mutant. */
const { TESTS = 'test/shared/**/*.test.ts test/functions/{promises,hostile-input}.test.ts' } = process.env;

/** @type {import('jest').Config} */
module.exports = {
  ...require('../../jest.config'),
  rootDir: '../..',
  testMatch: TESTS.split(' ').map((files) => `<rootDir>/${files}`),
  // It waits for real seconds and looks at nothing that is mutated.
  testPathIgnorePatterns: ['<rootDir>/test/shared/await-task.test.ts'],
};
