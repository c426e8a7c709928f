import { shared } from '../../jest.preset.js'

// In a virtual machine, where each start is dear: all packages as one project, and with a cache that was filled
// outside. Which tests: see machines.mjs.
export default {
  ...shared,
  rootDir: '../..',
  roots: ['<rootDir>/packages'],
  cacheDirectory: '<rootDir>/node_modules/.cache/vm/jest',
  testTimeout: 300_000,
}
