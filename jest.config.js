// All unit tests of the workspace in one run. The time is for machines that are busy: a test that hangs ends all the same.
export default {
  projects: ['packages/*/jest.config.js', 'examples/jest.config.js'],
  testTimeout: 60_000,
}
