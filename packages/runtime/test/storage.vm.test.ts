import { text } from 'node:stream/consumers'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck, quotaDisk } from '@ctr/testing'
import { Runtime } from '../src/index.js'
import { addBusybox, busybox } from './support/busybox.js'

leakCheck()
jest.setTimeout(600_000)

const MiB = 2 ** 20
const script = [
  "df -m / | awk 'NR == 2 { print $2 }'",
  'head -c 6m /dev/zero >/first && echo first',
  'head -c 6m /dev/zero >/second 2>/dev/null || echo full',
].join('; ')

describeOn(
  ['root', 'overlay', 'bin:busybox', 'bin:mkfs.ext4', 'bin:mkfs.xfs'],
  'storage of a container',
  () => {
    it.each([
      ['ext4', {}],
      ['ext4', { detach: true }],
      ['ext4', { privileged: true }],
      ['xfs', { userNamespace: 'auto' }],
    ] as const)('has a limit, which it sees and which binds: on %s, %j', async (type, options) => {
      using disk = quotaDisk(type)
      const runtime = await Runtime.open({ root: `${disk.path}/root`, state: `${disk.path}/state` })
      try {
        await addBusybox(runtime)
        const container = await runtime.run({
          image: busybox,
          network: 'none',
          storage: { bytes: 10 * MiB },
          command: ['sh', '-c', script],
          ...options,
          ...('detach' in options ? {} : { stdout: 'pipe' as const }),
        })
        const piped = container.stdout === null ? '' : await text(container.stdout)
        await container.wait()
        let logged = ''
        if ('detach' in options) for await (const { bytes } of container.logs()) logged += String(bytes)
        expect(piped + logged).toBe('10\nfirst\nfull\n')
        await container.remove()
      } finally {
        await runtime.reset()
        await runtime.close()
      }
    })
  },
)
