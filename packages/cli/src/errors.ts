import { types } from 'node:util'

/** What went wrong, as a stable word to match on. */
export type CliErrorCode =
  | 'ERR_CLI_USAGE' // flags or arguments that cannot be
  | 'ERR_CLI_TERMINAL' // a terminal is needed where there is none
  | 'ERR_CLI_RUN' // a program did not come to run; `cause` says why
  | 'ERR_CLI_REFUSED' // not done without a yes
  | 'ERR_CLI_COPY' // no such source, or a target that cannot take it
  | 'ERR_CLI_NEEDS_DAEMON' // what only a process that stays can do
  | 'ERR_CLI_NEEDS_RUNTIME' // what a daemon has no word for
  | 'ERR_CLI_DAEMON' // a daemon cannot be reached, or has refused; `status` is its answer's

/** The only error class thrown by this package. Match on `code`. */
export class CliError extends Error {
  override readonly name = 'CliError' as const
  readonly code: CliErrorCode
  /** What the process is to exit with. */
  readonly exitCode: number
  /** Status code of a daemon's answer. */
  readonly status: number | undefined

  constructor(
    code: CliErrorCode,
    message: string,
    {
      exitCode = 1,
      status,
      ...options
    }: ErrorOptions & { readonly exitCode?: number; readonly status?: number } = {},
  ) {
    super(message, options)
    this.code = code
    this.exitCode = exitCode
    this.status = status
  }
}

/** True for errors of this package. */
export function isCliError(error: unknown): error is CliError {
  return types.isNativeError(error) && error.name === 'CliError'
}

/** A flag or argument that cannot be: exit code 125, as Docker's. */
export function usageError(message: string): CliError {
  return new CliError('ERR_CLI_USAGE', message, { exitCode: 125 })
}

/** What only a process that stays can do. */
export function needsDaemon(what: string): CliError {
  return new CliError(
    'ERR_CLI_NEEDS_DAEMON',
    `cannot ${what} without a daemon: start \`ctrjs daemon\` and name it by -H or DOCKER_HOST`,
  )
}

/** What a daemon has no word for. */
export function needsRuntime(what: string): CliError {
  return new CliError(
    'ERR_CLI_NEEDS_RUNTIME',
    `cannot ${what} with a daemon: leave -H and DOCKER_HOST away to do it on this machine`,
  )
}

/** Text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return types.isNativeError(error) ? error.message : String(error)
}
