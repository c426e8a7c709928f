/**
 * `ctrjs`, the command line of the `@ctr` packages, as a function.
 *
 * @packageDocumentation
 */
export { main } from './main.js'
export { CliError, isCliError, type CliErrorCode } from './errors.js'
