import config from './jest.config.mjs';

/** `npm run test:registries`: real clients, and a registry on S3. */
export default {
  ...config,
  testMatch: ['<rootDir>/test/registries/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
};
