import { resolve } from 'node:path'
import type { CreateOptions } from '../../create.js'
import type { Options, Values } from '../options.js'
import { parseInteger } from '../values/parse-integer.js'

/** Options about the descriptors and the terminal of a process. */
export const processOptions = {
  'console-socket': {
    type: 'string',
    value: 'SOCKET',
    help: 'unix socket that our side of the terminal is sent to',
  },
  'pidfd-socket': {
    type: 'string',
    value: 'SOCKET',
    help: 'unix socket that a pidfd of the process is sent to',
  },
  'pid-file': { type: 'string', value: 'FILE', help: 'file for the process id, as the host has it' },
  'preserve-fds': { type: 'string', value: 'N', help: 'hand on the descriptors from 3 to 2+N' },
} as const satisfies Options

/** Options that `create` and `run` have. */
export const createOptions = {
  bundle: {
    type: 'string',
    short: 'b',
    value: 'DIR',
    help: 'folder with config.json (default: the current one)',
  },
  config: { type: 'string', short: 'f', value: 'FILE', help: 'take this file in place of config.json' },
  explain: { type: 'boolean', help: 'print every system call of the set-up, and make nothing' },
  ...processOptions,
  'no-pivot': {
    type: 'boolean',
    help: 'move the root in place of pivot_root(2): for a root file system on a ramdisk',
  },
  'no-new-keyring': { type: 'boolean', help: 'keep the session keyring of the caller' },
  'no-subreaper': { type: 'boolean', help: 'changes nothing: orphans are never ours to reap' },
} as const satisfies Options

/** Options of a process as the runtime takes them; relative paths are meant from the current folder. */
export function readProcessOptions(
  values: Values<typeof processOptions>,
): Pick<CreateOptions, 'consoleSocket' | 'pidfdSocket' | 'pidFile' | 'preserveFds'> {
  const preserve = values['preserve-fds']
  return {
    consoleSocket: absolute(values['console-socket']),
    pidfdSocket: absolute(values['pidfd-socket']),
    pidFile: absolute(values['pid-file']),
    preserveFds:
      preserve === undefined ? undefined : parseInteger('preserve-fds', preserve, { min: 0, max: 1 << 20 }),
  }
}

/** Options of a new container as the runtime takes them. */
export function readCreateOptions(values: Values<typeof createOptions>): CreateOptions {
  return {
    bundle: resolve(values.bundle ?? '.'),
    config: absolute(values.config),
    ...readProcessOptions(values),
    noPivot: values['no-pivot'],
    noNewKeyring: values['no-new-keyring'],
    notifySocket: process.env['NOTIFY_SOCKET'],
    stdio: 'inherit',
  }
}

/** An absolute path of one given from the current folder. */
export function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path)
}
