import { fileURLToPath } from 'node:url'
import { buildExecutable } from '../../testing/src/build-executable.mjs'

// a file of each package, because Jest calls one file once for all of them
export default () => buildExecutable('CTR_TEST_RUNTIME', fileURLToPath(new URL('..', import.meta.url)))
