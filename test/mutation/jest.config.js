/** The tests that are fast enough to run once per mutant. @type {import('jest').Config} */
module.exports = {
  ...require('../../jest.config'),
  rootDir: '../..',
  testMatch: [
    '<rootDir>/test/shared/**/*.test.ts',
    '<rootDir>/test/functions/{claims,promises,hostile-input}.test.ts',
  ],
  // It waits for real seconds and looks at nothing that is mutated.
  testPathIgnorePatterns: ['<rootDir>/test/shared/await-task.test.ts'],
};
