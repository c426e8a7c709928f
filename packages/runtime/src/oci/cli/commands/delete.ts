import { isRuntimeError } from '../../../errors.js'
import { command } from '../command.js'
import { forEach, matching } from '../matching.js'

export const remove = command({
  name: 'delete',
  summary: 'remove a container that has stopped',
  usage: 'CONTAINER',
  description: 'Its state and its cgroup go, and poststop hooks are run. What is on disk stays.',
  options: {
    force: { type: 'boolean', short: 'f', help: 'kill what still runs; one that does not exist is no error' },
    regex: { type: 'boolean', short: 'r', help: 'CONTAINER is a regular expression: remove all that match' },
  },
  arity: [1, 1],
  async run({ values: { force = false, regex = false }, args: [id], program }) {
    const runtime = await program.open()
    if (regex) {
      await forEach(matching(runtime, id!), (container) => container.delete({ force }))
      return 0
    }
    try {
      await runtime.container(id!).delete({ force })
    } catch (error) {
      if (!force || !isRuntimeError(error) || error.code !== 'ERR_RUNTIME_CONTAINER_NOT_FOUND') throw error
    }
    return 0
  },
})
