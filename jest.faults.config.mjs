import config from './jest.config.mjs';

/** `npm run test:faults`: each fault injected into a whole system. */
export default {
  ...config,
  testMatch: ['<rootDir>/test/faults/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 300_000,
  maxWorkers: 1,
  // A lie that is told once is told: nothing is run again.
  setupFilesAfterEnv: [],
};
