// All tests against the real kernel, real clients and peers, one after the other.
export default {
  projects: ['packages/*/jest.privileged.config.js', 'examples/jest.privileged.config.js'],
  maxWorkers: 1,
  testTimeout: 120_000,
}
