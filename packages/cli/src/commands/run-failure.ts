import { types } from 'node:util'
import { CliError, isCliError, messageOf } from '../errors.js'

/** Exit codes of a program that could not be executed. */
const exitCodes: Readonly<Record<string, number>> = {
  ERR_RUNTIME_COMMAND_NOT_FOUND: 127,
  ERR_RUNTIME_COMMAND_NOT_EXECUTABLE: 126,
}

/**
 * A program that did not come to run, with the exit code that says so.
 *
 * @param otherwise - Exit code when it was not the program's fault.
 */
export function runFailure(error: unknown, otherwise: number): CliError {
  if (isCliError(error)) return error
  const exitCode = exitCodes[codeOf(error) ?? ''] ?? otherwise
  return new CliError('ERR_CLI_RUN', messageOf(error), { exitCode, cause: error })
}

/** The `code` of an error, where it has one. */
export function codeOf(error: unknown): string | undefined {
  return types.isNativeError(error) && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}
