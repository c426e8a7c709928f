import { fileURLToPath } from 'node:url'

// In a virtual machine: tests that compile.mjs has made one file each of; run.mjs says where.
export default {
  testMatch: ['**/*.mjs'],
  transform: {},
  testTimeout: 120_000,
  reporters: ['default', fileURLToPath(new URL('console-reporter.mjs', import.meta.url))],
}
