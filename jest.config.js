// All unit tests of the workspace in one run.
export default { projects: ['packages/*/jest.config.js', 'examples/jest.config.js'] }
