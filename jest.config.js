/** @type {import('jest').Config} */
module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: { '^.+\\.ts$': '<rootDir>/test/transform.js' },
  modulePathIgnorePatterns: ['<rootDir>/.build/'],
  testTimeout: 30_000,
  maxWorkers: 2,
};
