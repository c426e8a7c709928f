// One Jest configuration for every package. Sources of sibling packages are resolved through the
// `@ctr/source` export condition, so tests need no build.
const shared = {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@ctr/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
  },
}

/** Tests beside the sources: no privileges, no network, any user. */
export const unit = { ...shared, testMatch: ['<rootDir>/src/**/*.test.ts'] }

/** Tests against the real kernel, real clients and peers: run them one after the other, with time (`-i --testTimeout`). */
export const privileged = {
  ...shared,
  testMatch: ['<rootDir>/test/**/*.{privileged,conformance}.test.ts'],
}

/** The same of a package with an executable, which tests call as it is built. */
export const privilegedExecutable = {
  ...privileged,
  globalSetup: '<rootDir>/test/build-executable.mjs',
}
