import type { Command } from 'commander'
import { isReadable } from '@ctr/start'
import type { LoadEngine } from './cli.js'
import { isCliError, messageOf } from './errors.js'
import { flushOutput, ignoreClosedReaders, printError } from './output/pipe-end.js'
import { createProgram, fullName } from './program.js'

/**
 * Runs one command, as if it had been typed after `ctrjs`. Prints to the standard streams of this process,
 * and reads its environment; does not end it.
 *
 * @param argv - Command and arguments: `['run', '--rm', 'busybox', 'true']`.
 * @returns The exit code that the process should have: the container's own for `run` and `exec`; 125, 126,
 *   127 and 128 plus a signal's number as Docker has them; 1 for any other failure.
 *
 * @example
 * process.exitCode = await main(process.argv.slice(2))
 */
export async function main(argv: readonly string[]): Promise<number> {
  return await runCommand(argv, () => import('@ctr/engine'))
}

/** @param loadEngine - An `import()` of the caller, where that works. */
export async function runCommand(argv: readonly string[], loadEngine: LoadEngine): Promise<number> {
  ignoreClosedReaders()
  const code = await execute(argv, loadEngine)
  await flushOutput() // whoever called may end the process now
  return code
}

async function execute(argv: readonly string[], loadEngine: LoadEngine): Promise<number> {
  const { program, called, exitCode } = createProgram(loadEngine)
  try {
    if (argv.length === 0) program.help()
    await program.parseAsync(argv, { from: 'user' })
    return exitCode()
  } catch (error) {
    if (isCommanderError(error)) return reportUsage(error, called())
    if (isReadable(process.stderr)) report(error, called())
    return isCliError(error) ? error.exitCode : 1
  }
}

interface UsageFailure {
  readonly code: string
  readonly message: string
  readonly exitCode: number
}

/** What commander found, in Docker's words and with its exit codes. */
function reportUsage({ code, message, exitCode }: UsageFailure, command: Command): number {
  if (exitCode === 0) return 0 // help or version, printed already
  if (code === 'commander.help') {
    printError(command.helpInformation())
    return 1
  }
  const text = message.replace(/^error: /, '')
  if (code === 'commander.unknownCommand') {
    printError(`ctrjs: ${text}\n\nRun 'ctrjs --help' for more information`)
    return 1
  }
  const name = fullName(command)
  printError(
    `ctrjs: ${text}\n\nUsage:  ${name} ${command.usage()}\n\nRun '${name} --help' for more information`,
  )
  return code === 'commander.missingArgument' || code === 'commander.excessArguments' ? 1 : 125
}

function report(error: unknown, command: Command): void {
  const hint =
    isCliError(error) && (error.code === 'ERR_CLI_USAGE' || error.exitCode === 125)
      ? `\n\nRun '${fullName(command)} --help' for more information`
      : ''
  printError(`ctrjs: ${messageOf(error)}${hint}`)
  if (process.env['CTRJS_DEBUG'] === '1' && error instanceof Object && 'stack' in error)
    printError(String(error.stack))
}

function isCommanderError(error: unknown): error is UsageFailure {
  return (
    error instanceof Object &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('commander.')
  )
}
