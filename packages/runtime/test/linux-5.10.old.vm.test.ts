import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { createCgroup, detectHierarchy } from '@ctr/cgroups'
import { spawn, type NamespaceKind } from '@ctr/namespaces'
import { describeOn, leakCheck } from '@ctr/testing'
import { busybox } from './support/busybox.js'
import { TestBundle } from './support/oci-container.js'
import { openRuntime } from './support/open-runtime.js'

leakCheck()

const MiB = 2 ** 20

describeOn(['root', 'cgroup2', 'overlay', 'bin:busybox'], 'Linux 5.10', () => {
  it('is what this runs on, with the controllers that it has', () => {
    expect(readFileSync('/proc/sys/kernel/osrelease', 'utf8')).toMatch(/^5\.10\./)
    const { mode, mounts, controllers } = detectHierarchy()
    expect([mode, mounts.length]).toEqual(['v2', 1])
    expect([...controllers.keys()].sort().join(' ')).toBe('cpu cpuset hugetlb io memory pids rdma') // no misc yet
  })

  it('runs programs of system calls, in new namespaces', async () => {
    const kinds: NamespaceKind[] = ['mount', 'uts', 'ipc', 'pid', 'network', 'cgroup']
    const child = await spawn({
      command: ['sh', '-c', 'hostname; echo $$'],
      namespaces: Object.fromEntries(kinds.map((kind) => [kind, 'new'])),
      hostname: 'inside',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    expect(await text(child.stdout!)).toBe('inside\n1\n')
    expect(await child.wait()).toEqual({ exitCode: 0, signal: undefined })
  })

  it('limits, counts, freezes and kills, without cgroup.kill and memory.peak', async () => {
    await using group = createCgroup(`/ctr-test-${process.pid}`, {
      memory: { limit: 64 * MiB, swap: 64 * MiB },
      cpu: { quota: 50_000, shares: 512 },
      pids: { limit: 10 },
    })
    const child = await spawn({
      command: ['sleep', '1000'],
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    group.add(child.pid)
    expect(group.stats()).toMatchObject({
      memory: { limit: 64 * MiB, peak: undefined },
      pids: { current: 1, limit: 10 },
    })
    await group.freeze()
    expect(group.isFrozen()).toBe(true)
    await group.kill()
    expect(await child.wait()).toMatchObject({ signal: 'SIGKILL' })
  })

  it('names the file of a limit that it does not know yet', () => {
    expect(() => createCgroup(`/ctr-test-${process.pid}`, { cpu: { idle: true } })).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_UNSUPPORTED',
        message: expect.stringMatching(/cpu\.idle: ENOENT .*built or booted without it/),
      }),
    )
  })

  it('runs OCI bundles', async () => {
    using bundle = new TestBundle()
    expect(await bundle.output('echo inside; cat /proc/self/cgroup')).toMatch(/^inside/)
  })

  it('runs containers of images', async () => {
    await using opened = await openRuntime()
    await using container = await opened.runtime.run({
      image: busybox,
      network: 'none',
      stdout: 'pipe',
      memory: 64 * MiB,
      command: ['sh', '-c', 'cat /sys/fs/cgroup/memory.max'],
    })
    expect(await text(container.stdout!)).toBe(`${64 * MiB}\n`)
    expect(await container.wait()).toMatchObject({ exitCode: 0 })
  })
})
