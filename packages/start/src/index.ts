/**
 * What our executables have in common: how they start, and how they stand between a program and our standard
 * streams. Bundled into each of them.
 *
 * @packageDocumentation
 */
export { commandName } from './command-name.js'
export { copyOutput, type Copy } from './copy-output.js'
export { leave } from './leave.js'
export { loadCached } from './load-cached.js'
export { flush, isReadable } from './standard-stream.js'
