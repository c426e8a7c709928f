import { isRuntimeError } from '../../../errors.js'
import type { OciContainer } from '../../container.js'
import { command } from '../command.js'
import { forEach, matching } from '../matching.js'
import { parseSignal } from '../values/parse-signal.js'

export const kill = command({
  name: 'kill',
  summary: 'send a signal to a container',
  usage: 'CONTAINER [SIGNAL]',
  description:
    'SIGNAL is a name or a number, SIGTERM unless given. The first process of the container gets it.',
  options: {
    all: { type: 'boolean', short: 'a', help: 'send it to every process; a stopped container is no error' },
    regex: { type: 'boolean', short: 'r', help: 'CONTAINER is a regular expression: all that match' },
  },
  arity: [1, 2],
  async run({ values: { all = false, regex = false }, args: [id, text = 'SIGTERM'], program }) {
    const signal = parseSignal(text)
    const runtime = await program.open()
    const send = (container: OciContainer): void => {
      try {
        container.kill(signal, { all })
      } catch (error) {
        if (!all || !isRuntimeError(error) || error.code !== 'ERR_RUNTIME_NOT_RUNNING') throw error
      }
    }
    await forEach(regex ? matching(runtime, id!) : [runtime.container(id!)], send)
    return 0
  },
})
