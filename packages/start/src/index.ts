/**
 * How our executables start. Bundled into each of them.
 *
 * @packageDocumentation
 */
export { commandName } from './command-name.js'
export { loadCached } from './load-cached.js'
