/** Needs `--experimental-vm-modules`: the sources are ES modules, and stay so in the tests. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // They belong to `npm run test:registries`, `test:faults` and `test:soak`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/registries/', '<rootDir>/test/faults/', '<rootDir>/test/soak/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.cache/', '<rootDir>/.twinport/'],
  testTimeout: 300_000,
};
