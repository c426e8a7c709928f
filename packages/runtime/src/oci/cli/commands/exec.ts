import { readFileSync } from 'node:fs'
import { attach } from '../attach/attach.js'
import { catchSignals } from '../attach/signals.js'
import { command } from '../command.js'
import type { ConfigProcess } from '../../config/config-process.js'
import { parseProcess } from '../../config/parse-config.js'
import { execProcess, execProcessOptions } from '../exec-process.js'
import { usageError } from '../usage-error.js'
import { processOptions, readProcessOptions } from './create-options.js'

export const exec = command({
  name: 'exec',
  summary: 'run another program in a container',
  usage: `CONTAINER cmd [ARGUMENT...]
       ... exec [OPTION...] --process FILE CONTAINER`,
  description: `Options stand before CONTAINER; what follows it is the program's. Stays until the program ends and exits with its
exit code, or 128 plus the number of the signal that ended it; 255 when it could not be run.`,
  options: {
    ...execProcessOptions,
    process: {
      type: 'string',
      short: 'p',
      value: 'FILE',
      help: 'JSON file that describes the process in place of options',
    },
    detach: { type: 'boolean', short: 'd', help: 'return as soon as the program runs' },
    ...processOptions,
    cgroup: {
      type: 'list',
      value: '[CONTROLLER:]PATH',
      help: "existing cgroup below the container's; may be repeated",
    },
    'ignore-paused': { type: 'boolean', help: 'also in a paused container, where it waits' },
  },
  arity: [1, Number.MAX_SAFE_INTEGER],
  rest: true,
  failure: 255,
  failedTo: () => 'exec failed: ',
  async run({ values, args: [id, ...rest], program }) {
    const { detach = false } = values
    const options = readProcessOptions(values)
    const args = rest[0] === '--' ? rest.slice(1) : rest
    using signals = catchSignals()
    const container = (await program.open()).container(id!)
    const process =
      values.process === undefined
        ? execProcess(container.config().process, args, values, (message) => {
            program.log.warn(message)
          })
        : parseProcess(readFileSync(values.process, 'utf8'))
    checkTerminal(process.terminal ?? false, detach, options.consoleSocket)
    const running = await container.exec({
      ...options,
      process: process.terminal === true && !detach ? await sizedAsOurs(process) : process,
      cgroup: values.cgroup,
      ignorePaused: values['ignore-paused'],
      terminal: detach ? undefined : 'stream',
      stdio: 'inherit',
    })
    return detach ? 0 : await attach(running, signals)
  },
})

/** It may ask for the size before we could tell. */
async function sizedAsOurs(process: ConfigProcess): Promise<ConfigProcess> {
  const { ownWindowSize } = await import('../attach/own-terminal.js')
  const size = ownWindowSize()
  return size === undefined
    ? process
    : { ...process, consoleSize: { height: size.rows, width: size.columns } }
}

function checkTerminal(terminal: boolean, detach: boolean, consoleSocket: string | undefined): void {
  if (terminal && detach && consoleSocket === undefined) {
    throw usageError(
      'cannot allocate tty if the runtime will detach without setting console socket: use --console-socket',
    )
  }
  if (consoleSocket !== undefined && !(terminal && detach)) {
    throw usageError('cannot use console socket if the runtime will not detach or allocate tty')
  }
}
