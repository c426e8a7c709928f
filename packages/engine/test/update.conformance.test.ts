import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn(needs, 'docker update', () => {
  const suite = setUp()
  const format = '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.RestartPolicy.Name}}'
  const host = (): Promise<string> => suite.ok('inspect', '-f', format, 'c1')
  const refused = async (...args: string[]): Promise<string> => (await suite.docker('update', ...args)).stderr

  it('limits a container while it runs, and at its next starts', async () => {
    const run = ['--memory', '64m', '--memory-swap', '128m', '--network', 'none', image, 'sleep', '1000']
    await suite.ok('run', '-d', '--name', 'c1', ...run)
    const { handle } = suite.engine.containers.get('c1')
    expect(handle.stats().memory?.limit).toBe(64 * 2 ** 20)
    expect(await suite.ok('update', '--memory', '96m', '--pids-limit', '50', '--cpus', '0.5', 'c1')).toBe(
      'c1',
    )
    expect(handle.stats().memory?.limit).toBe(96 * 2 ** 20)
    expect(handle.stats().pids?.limit).toBe(50)
    expect(await host()).toBe(`${96 * 2 ** 20} 500000000 no`)
    await suite.ok('update', '--pids-limit', '-1', 'c1')
    expect(handle.stats().pids?.limit).toBe('max')
    await suite.ok('restart', '-t', '0', 'c1')
    expect(suite.engine.containers.get('c1').handle.stats().memory?.limit).toBe(96 * 2 ** 20)
  })

  it('lets who limits memory alone have as much swap again, where that can be limited', async () => {
    await suite.ok(
      'run',
      '-d',
      '--name',
      'c2',
      '--memory',
      '64m',
      '--network',
      'none',
      image,
      'sleep',
      '1000',
    )
    const swapLimit = await suite.ok('info', '-f', '{{.SwapLimit}}')
    expect(await suite.ok('inspect', '-f', '{{.HostConfig.MemorySwap}}', 'c2')).toBe(
      swapLimit === 'true' ? String(128 * 2 ** 20) : '0',
    )
    const { memory } = suite.engine.containers.get('c2').handle.stats()
    if (swapLimit === 'true') expect(memory?.swap?.limit).toBe(64 * 2 ** 20)
    await suite.ok('rm', '-f', 'c2')
  })

  it('changes the restart policy', async () => {
    await suite.ok('update', '--restart', 'on-failure:3', 'c1')
    expect(await host()).toBe(`${96 * 2 ** 20} 500000000 on-failure`)
    const events = await suite.pastEvents('{{.Action}}')
    expect(events).toContain('update')
  })

  it('refuses in the words of Docker, and changes nothing', async () => {
    const before = await host()
    expect(await refused('--memory', '200m', 'c1')).toContain(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    )
    expect(await refused('--memory', '4m', 'c1')).toMatch(/minimum memory limit allowed is 6MB/i)
    expect(await refused('--restart', 'bogus', 'c1')).toContain('invalid restart policy')
    expect(await refused('--memory', '100m', 'nonesuch')).toContain('No such container: nonesuch')
    await suite.ok('run', '-d', '--rm', '--name', 'c2', '--network', 'none', image, 'sleep', '1000')
    expect(await refused('--restart', 'always', 'c2')).toContain(
      'Restart policy cannot be updated because AutoRemove is enabled for the container',
    )
    expect(await host()).toBe(before)
  })
})
