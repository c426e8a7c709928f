import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { detectHierarchy, listCgroups } from '@ctr/cgroups'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import type { RuntimeErrorCode } from '../src/index.js'
import { busybox } from './support/busybox.js'
import { CtrRuntime } from './support/ctr-runtime.js'
import { TestBundle } from './support/oci-container.js'
import { openRuntime } from './support/open-runtime.js'

leakCheck()

/** What a kernel that is too old is answered with. */
function refusal(what: RegExp): Error {
  const code: RuntimeErrorCode = 'ERR_RUNTIME_UNSUPPORTED'
  return expect.objectContaining({ code, message: expect.stringMatching(what) }) as unknown as Error
}
const noMountSetattr =
  /^cannot make containers: Linux 5\.10\.\S+ lacks mount_setattr\(2\), which came with Linux 5\.12/

describeOn(['root', 'cgroup2', 'bin:busybox'], 'Linux 5.10', () => {
  let opened: Awaited<ReturnType<typeof openRuntime>>
  beforeAll(async () => {
    opened = await openRuntime()
  })
  afterAll(async () => {
    await opened[Symbol.asyncDispose]()
  })

  it('is what this runs on, with the controllers that it has', () => {
    expect(readFileSync('/proc/sys/kernel/osrelease', 'utf8')).toMatch(/^5\.10\./)
    const { mode, mounts, controllers } = detectHierarchy()
    expect([mode, mounts.length]).toEqual(['v2', 1])
    expect([...controllers.keys()].sort().join(' ')).toBe('cpu cpuset hugetlb io memory pids rdma') // no misc yet
  })

  it('is refused by Runtime before anything is made, also for a folder', async () => {
    const { runtime, folder } = opened
    await expect(runtime.run({ image: busybox, command: ['true'] })).rejects.toThrow(refusal(noMountSetattr))
    await expect(runtime.run({ rootfs: folder, command: ['true'] })).rejects.toThrow(refusal(noMountSetattr))
    expect(runtime.containers()).toEqual([])
    expect(listCgroups('/').filter((path) => path.startsWith('/ctr'))).toEqual([])
  })

  it('is refused by OciRuntime and ctr-runtime before anything is made', async () => {
    using bundle = new TestBundle()
    await expect(bundle.output('true')).rejects.toThrow(refusal(noMountSetattr))
    expect(bundle.runtime.list()).toEqual([])
    using folder = temporaryFolder()
    const runtime = new CtrRuntime(folder.path, { built: true })
    const { code, stderr } = runtime.run('run', '--bundle', runtime.bundle('old', ['true']), 'old')
    expect(code).not.toBe(0)
    expect(stderr).toContain('lacks mount_setattr(2)')
  })
})
