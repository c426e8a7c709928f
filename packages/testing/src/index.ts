/**
 * What the tests of all packages share. Never published, never imported by a package's sources.
 *
 * @packageDocumentation
 */
export { bundle, bundleFile, type BundledProgram } from './bundle.js'
export { describeOn, missing, type Need } from './needs.js'
export { leakCheck, type LeakCheckOptions } from './leak-check.js'
export { onTerminal } from './on-terminal.js'
export { temporaryFolder } from './temporary-folder.js'
export { quotaDisk, type QuotaDisk } from './quota-disk.js'
export { ordinaryUser, type OrdinaryUser } from './ordinary-user.js'
export { numbersFrom, seed } from './random-numbers.js'
export { zstdFrame } from './zstd-frame.js'
