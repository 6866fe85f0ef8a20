import config from './jest.config.mjs';

/** `npm run test:faults`: each fault injected into a whole system. */
export default {
  ...config,
  testMatch: ['<rootDir>/test/faults/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
};
