import { attach } from '../attach/attach.js'
import { catchSignals } from '../attach/signals.js'
import { command } from '../command.js'
import { usageError } from '../usage-error.js'
import { createOptions, readCreateOptions } from './create-options.js'
import { criuOptions, readCriuOptions } from './criu-options.js'

export const restore = command({
  name: 'restore',
  summary: 'make a container again from what checkpoint has saved',
  usage: 'CONTAINER',
  description: 'Stays until its program ends, as run does.',
  options: {
    bundle: createOptions.bundle,
    detach: { type: 'boolean', short: 'd', help: 'return as soon as the container runs' },
    'console-socket': createOptions['console-socket'],
    'pid-file': createOptions['pid-file'],
    'no-pivot': createOptions['no-pivot'],
    'no-subreaper': createOptions['no-subreaper'],
    ...criuOptions,
    'tcp-close': { type: 'boolean', help: 'restore TCP connections as closed ones' },
    'lsm-profile': {
      type: 'string',
      value: 'TYPE:NAME',
      help: 'AppArmor or SELinux profile in place of the saved one',
    },
    'lsm-mount-context': {
      type: 'string',
      value: 'CONTEXT',
      help: 'SELinux context of mounts in place of the saved one',
    },
  },
  arity: [1, 1],
  failedTo: (program) => `${program} restore failed: `,
  async run({ values, args: [id], program }) {
    const { detach = false } = values
    const { bundle, consoleSocket, pidFile, noPivot } = readCreateOptions(values)
    if (!detach && consoleSocket !== undefined) {
      throw usageError('cannot use console socket if the runtime will not detach')
    }
    using signals = catchSignals()
    const container = await (
      await program.open()
    ).restore(id!, {
      ...readCriuOptions(values),
      bundle,
      consoleSocket,
      pidFile,
      noPivot,
      tcpClose: values['tcp-close'],
      lsmProfile: values['lsm-profile'],
      lsmMountContext: values['lsm-mount-context'],
      terminal: detach ? undefined : 'stream',
    })
    if (detach) return 0
    const code = await attach(container, signals)
    await container.delete({ force: true })
    return code
  },
})
