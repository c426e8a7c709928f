// In a virtual machine: tests that compile.mjs has made one file each of.
export default {
  rootDir: '.test-dist',
  testMatch: ['**/*.mjs'],
  transform: {},
  testTimeout: 120_000,
  reporters: ['default', '<rootDir>/../console-reporter.mjs'],
}
