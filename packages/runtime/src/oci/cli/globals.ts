import { resolve } from 'node:path'
import type { OciRuntimeOptions } from '../runtime.js'
import type { Options, Values } from './options.js'
import { usageError } from './usage-error.js'

/** Options that stand before the command. */
export const globalOptions = {
  root: {
    type: 'string',
    value: 'DIR',
    help: 'folder of the containers\' state (default "/run/ctr-runtime")',
  },
  log: { type: 'string', value: 'FILE', help: 'file that messages are added to (default: standard error)' },
  'log-format': { type: 'string', value: 'FORMAT', help: 'form of the messages: text (default) or json' },
  'log-level': { type: 'string', value: 'LEVEL', help: 'error (default), warning, or debug for all' },
  debug: { type: 'boolean', help: 'say what is done, step by step' },
  'systemd-cgroup': {
    type: 'boolean',
    help: 'let systemd make cgroups; cgroupsPath is then slice:prefix:name',
  },
  'cgroup-manager': { type: 'string', value: 'NAME', help: 'cgroupfs (default), systemd or disabled' },
  rootless: {
    type: 'string',
    value: 'WHEN',
    help: 'pass over cgroups we may not write to: true, false or auto',
  },
  criu: { type: 'string', value: 'FILE', help: 'not used: criu is looked for in PATH', hidden: true },
  version: { type: 'boolean', short: 'v', help: 'print the version' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies Options

/** Global options, checked. */
export interface Globals extends Omit<OciRuntimeOptions, 'log'> {
  readonly logFile: string | undefined
  readonly logFormat: 'text' | 'json'
  readonly debug: boolean
}

/**
 * Checks the global options.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: a value that none of them knows.
 */
export function readGlobals(values: Values<typeof globalOptions>): Globals {
  const level = oneOf('log-level', values['log-level'] ?? 'error', ['error', 'warning', 'debug'])
  const manager = oneOf('cgroup-manager', values['cgroup-manager'] ?? 'cgroupfs', [
    'cgroupfs',
    'systemd',
    'disabled',
  ])
  return {
    root: values.root === undefined ? undefined : rootFolder(values.root),
    logFile: values.log,
    logFormat: oneOf('log-format', values['log-format'] ?? 'text', ['text', 'json']),
    debug: values.debug === true || level === 'debug',
    cgroupManager: values['systemd-cgroup'] === true ? 'systemd' : manager,
    rootless: rootless(values.rootless?.toLowerCase() ?? 'auto'),
  }
}

function rootFolder(text: string): string {
  const root = resolve(text)
  if (root === '/') throw usageError('option --root cannot be /: state needs a folder of its own')
  return root
}

function rootless(text: string): boolean | 'auto' {
  const choice = oneOf('rootless', text, ['auto', 'true', 'false', '1', '0'])
  return choice === 'auto' ? choice : choice === 'true' || choice === '1'
}

/** The value of an option that knows a few words. */
export function oneOf<const Word extends string>(
  option: string,
  value: string,
  words: readonly Word[],
): Word {
  const word = words.find((candidate) => candidate === value)
  if (word === undefined) throw usageError(`invalid ${option}: ${value} is none of ${words.join(', ')}`)
  return word
}
