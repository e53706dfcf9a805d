/** The tests that are fast enough to run once per mutant. @type {import('jest').Config} */
module.exports = {
  ...require('../../jest.config'),
  rootDir: '../..',
  testMatch: [
    '<rootDir>/test/shared/**/*.test.ts',
    '<rootDir>/test/functions/promises.test.ts',
    '<rootDir>/test/functions/hostile-input.test.ts',
  ],
};
