import type { Command } from 'commander'
import { usageError } from '../errors.js'
import { collect } from './collect.js'

/** Streams of a container that a command can be joined with. */
const names = ['stdin', 'stdout', 'stderr'] as const
export type StreamName = (typeof names)[number]

/** The flags that say how a command and a container are joined, as they were typed. */
export interface JoinFlags {
  readonly attach?: readonly string[]
  readonly detachKeys?: string
  readonly sigProxy?: string
}

/** Adds `-a, --attach` of `run` and `create` to a command. */
export function addAttachFlag(command: Command): Command {
  return command.option('-a, --attach <list>', 'Attach to STDIN, STDOUT or STDERR', collect)
}

/** Adds `--detach-keys` to a command. */
export function addDetachKeys(command: Command): Command {
  return command.option(
    '--detach-keys <string>',
    'Override the key sequence for detaching a container (of a daemon)',
  )
}

/** Adds `--sig-proxy` to a command. */
export function addSigProxy(command: Command): Command {
  return command.option('--sig-proxy <bool>', 'Proxy received signals to the process (default true)')
}

/** Streams that are joined: where nothing is said, what is printed. */
export function joinedStreams({
  attach,
  interactive = false,
}: Pick<JoinFlags, 'attach'> & { readonly interactive?: boolean }): ReadonlySet<StreamName> {
  const asked = attach?.map((text) => {
    const name = names.find((one) => one === text.toLowerCase())
    if (name === undefined)
      throw usageError(`invalid argument "${text}" for -a, --attach: stdin, stdout, stderr are there`)
    return name
  })
  return new Set<StreamName>([...(asked ?? ['stdout', 'stderr']), ...(interactive ? ['stdin' as const] : [])])
}

/** Whether signals are passed on: they are, unless said otherwise. */
export function passesSignals({ sigProxy }: Pick<JoinFlags, 'sigProxy'>): boolean {
  if (sigProxy === undefined || /^(1|t|true)$/i.test(sigProxy)) return true
  if (/^(0|f|false)$/i.test(sigProxy)) return false
  throw usageError(`invalid argument "${sigProxy}" for --sig-proxy: true or false is needed`)
}

const defaultKeys = 'ctrl-p,ctrl-q'

/** What a terminal sends for keys such as `ctrl-p,ctrl-q`: characters, and `ctrl-` with a letter or one of `@[\]^_`. */
export function detachKeysOf(text: string = defaultKeys): Buffer {
  const codes = text.split(',').map((key) => {
    const [, control, plain] = /^(?:ctrl-([a-z@[\\\]^_])|([\x20-\x7e]))$/i.exec(key) ?? []
    if (control !== undefined) return control.charCodeAt(0) & 0x1f
    if (plain === undefined)
      throw usageError(`invalid argument "${text}" for --detach-keys: ${JSON.stringify(key)} is no key`)
    return plain.charCodeAt(0)
  })
  return Buffer.from(codes)
}
