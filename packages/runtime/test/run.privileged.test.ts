import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { Runtime } from '../src/index.js'

leakCheck()

describeOn(['root', 'overlay'], 'Runtime.run() on the real kernel', () => {
  it('runs a program in a copy of the host', async () => {
    using folder = temporaryFolder()
    await using runtime = await Runtime.open({ root: `${folder.path}/root`, state: `${folder.path}/state` })
    try {
    const container = await runtime.run({ rootfs: '/', command: ['sh', '-c', 'hostname; echo $$; ls /dev; mount; cat /proc/1/cgroup; cat /proc/self/status | grep -E "Cap|Secc"; cat /etc/hosts; ip addr'], network: 'none', stdout: 'pipe', memory: 64 * 2 ** 20, cpus: 0.5, pids: 64 })
    const printed = await text(container.stdout!)
    console.log(printed)
    expect(await container.wait()).toMatchObject({ exitCode: 0, signal: null, oomKilled: false })
    } finally {
      await runtime.reset()
    }
  })
})
