import { isRuntimeError } from '../../errors.js'
import { openLog, type FileLog } from '../log.js'
import type { OciRuntime, OciRuntimeOptions } from '../runtime.js'
import type { Program } from './command.js'
import { commands } from './commands/index-of-commands.js'
import { readGlobals, globalOptions } from './globals.js'
import { commandHelp, programHelp } from './help.js'
import { messageOf } from './message-of.js'
import { parseOptions } from './options.js'
import { print, printError } from './output/write.js'
import { programName } from './program-name.js'
import { usageError } from './usage-error.js'
import { versionText } from './version.js'

/**
 * Runs one command of `ctr-runtime`. Prints to the standard streams of this process; does not end it.
 *
 * @param argv - Global options, command and arguments: `['--root', '/run/x', 'state', 'box']`.
 * @param script - What was called, `process.argv[1]`.
 * @returns What the process should exit with.
 */
export async function main(argv: readonly string[], script?: string): Promise<number> {
  const name = programName(script)
  let log: FileLog | undefined
  let toFile = false
  let failure = 1
  let prefix = ''
  try {
    const { values, positionals } = parseOptions(globalOptions, argv, { rest: true })
    const [called, ...rest] = positionals
    if (values.version === true) {
      print(versionText(name))
      return 0
    }
    if (called === undefined || called === 'help' || called === 'h' || values.help === true) {
      const topic = called === 'help' || called === 'h' ? rest[0] : called
      print(topic === undefined ? programHelp(name) : commandHelp(name, await find(topic)))
      return 0
    }
    const globals = readGlobals(values)
    toFile = globals.logFile !== undefined
    log = openLog({ file: globals.logFile, format: globals.logFormat, debug: globals.debug })
    const found = await find(called)
    failure = found.failure ?? 1
    prefix = found.failedTo?.(name) ?? ''
    const options = { ...globals, log }
    const program: Program = { name, globals, log, open: () => open(options) }
    return await runCommand(found, rest, program)
  } catch (error) {
    report(error, log ?? openLog(), { toFile, prefix })
    return failure
  } finally {
    log?.[Symbol.dispose]()
  }
}

async function find(name: string): ReturnType<(typeof commands)[number]['load']> {
  const entry = commands.find((candidate) => candidate.name === name)
  if (entry === undefined) throw usageError(`No help topic for '${name}': there is no such command`)
  return await entry.load()
}

async function runCommand(
  found: Awaited<ReturnType<typeof find>>,
  argv: readonly string[],
  program: Program,
): Promise<number> {
  const hint = `; see '${program.name} ${found.name} --help'`
  const options = { ...found.options, help: globalOptions.help }
  const { values, positionals } = parseOptions(options, argv, { rest: found.rest === true })
  if (values.help === true) {
    print(commandHelp(program.name, found))
    return 0
  }
  const [least, most] = found.arity
  if (positionals.length < least || positionals.length > most) {
    throw usageError(`${found.name} takes ${expected(least, most)}, got ${positionals.length}${hint}`)
  }
  if (least > 0 && positionals[0] === '') throw usageError(`container id cannot be empty${hint}`)
  return await found.run({ values, args: positionals, program })
}

function expected(least: number, most: number): string {
  if (most === 0) return 'no arguments'
  const count = most === least ? `${least}` : most > 2 ? `at least ${least}` : `${least} to ${most}`
  return `${count} argument${most === 1 ? '' : 's'}`
}

async function open(options: OciRuntimeOptions): Promise<OciRuntime> {
  const { OciRuntime } = await import('../runtime.js')
  return OciRuntime.open(options)
}

const notExecuted: readonly string[] = ['ERR_RUNTIME_COMMAND_NOT_FOUND', 'ERR_RUNTIME_COMMAND_NOT_EXECUTABLE']

function report(
  error: unknown,
  log: FileLog,
  { toFile, prefix }: { readonly toFile: boolean; readonly prefix: string },
): void {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === 'EPIPE' && syscall === 'write') return // whoever read our output has had enough
  // what keeps a program from being executed is told as a shell would: it stands in for the program's own output
  if (!toFile && isRuntimeError(error) && notExecuted.includes(error.code)) printError(messageOf(error))
  else log.fatal(prefix + messageOf(error))
}
