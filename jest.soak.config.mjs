import config from './jest.config.mjs';

/** `npm run test:soak`: twenty minutes of pushes and faults. */
export default {
  ...config,
  testMatch: ['<rootDir>/test/soak/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
};
