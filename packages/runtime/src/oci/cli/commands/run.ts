import { isRuntimeError } from '../../../errors.js'
import type { OciContainer } from '../../container.js'
import { attach } from '../attach/attach.js'
import { catchSignals } from '../attach/signals.js'
import { command } from '../command.js'
import { usageError } from '../usage-error.js'
import { print } from '../output/write.js'
import { createOptions, readCreateOptions } from './create-options.js'

export const run = command({
  name: 'run',
  summary: 'create and start a container',
  usage: 'CONTAINER',
  description: `Stays until the program ends, passes signals on to it, removes the container and exits with the program's exit
code, or 128 plus the number of the signal that ended it.`,
  options: {
    ...createOptions,
    detach: { type: 'boolean', short: 'd', help: 'return as soon as the program runs' },
    keep: { type: 'boolean', help: 'keep the container when its program has ended' },
  },
  arity: [1, 1],
  failedTo: (program) => `${program} run failed: `,
  async run({ values, args: [id], program }) {
    const { detach = false, keep = false } = values
    const options = readCreateOptions(values)
    if (!detach && options.consoleSocket !== undefined) {
      throw usageError('cannot use console socket if the runtime will not detach')
    }
    const runtime = await program.open()
    if (values.explain === true) {
      print(await runtime.explain(options))
      return 0
    }
    using signals = catchSignals()
    const container = await runtime.create(id!, { ...options, terminal: detach ? undefined : 'stream' })
    const start = (): ReturnType<typeof container.start> =>
      container.start({ notifySocket: options.notifySocket })
    let code = 0
    try {
      if (detach) await (await start()).ready
      else code = await attach(container, signals, start)
    } catch (error) {
      await removeIfThere(container)
      throw error
    }
    if (!detach && !keep) await container.delete({ force: true })
    return code
  },
})

/** A hook that has failed has had it removed already. */
async function removeIfThere(container: OciContainer): Promise<void> {
  try {
    await container.delete({ force: true })
  } catch (error) {
    if (!isRuntimeError(error) || error.code !== 'ERR_RUNTIME_CONTAINER_NOT_FOUND') throw error
  }
}
