import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { createCgroup, type Cgroup, type Resources } from '../src/index.js'
import { uniquePath } from './child.js'

leakCheck()

/**
 * Opens a device of InfiniBand verbs twice, as libibverbs does, which takes a handle each, and says how that went.
 * Waits for a line before and after: IB_USER_VERBS_CMD_GET_CONTEXT (0), six words in, two words out.
 */
const opensTwice = `
import ctypes, os, sys
held = []
sys.stdin.readline()
for n in range(2):
    fd = os.open(sys.argv[1], os.O_RDWR)
    answer = ctypes.create_string_buffer(64)
    command = (0).to_bytes(4, 'little') + (4).to_bytes(2, 'little') + (2).to_bytes(2, 'little')
    try:
        os.write(fd, command + ctypes.addressof(answer).to_bytes(8, 'little'))
        print('opened')
    except OSError as error:
        print(error.strerror)
    held.append(fd)
sys.stdout.flush()
sys.stdin.readline()
`

describeOn(['root', 'cgroup2', 'bin:rdma', 'bin:python3'], 'rdma with a device of software', () => {
  const device = 'ctr-rxe0'
  let group: Cgroup | undefined
  const create = (resources: Resources): Cgroup => (group = createCgroup(uniquePath(), resources))

  beforeAll(() => {
    for (const name of ['ib_uverbs', 'rdma_rxe']) execFileSync('modprobe', [name])
    execFileSync('ip', ['link', 'add', 'ctr-rdma0', 'type', 'veth', 'peer', 'name', 'ctr-rdma1'])
    execFileSync('ip', ['link', 'set', 'ctr-rdma0', 'up'])
    execFileSync('rdma', ['link', 'add', device, 'type', 'rxe', 'netdev', 'ctr-rdma0'])
  })
  afterEach(async () => {
    await group?.[Symbol.asyncDispose]()
    group = undefined
  })
  afterAll(() => {
    execFileSync('ip', ['link', 'delete', 'ctr-rdma0']) // and the device of software with it
  })

  it('has its limits, changed one at a time, and taken away', () => {
    create({ rdma: { [device]: { hcaHandles: 2, hcaObjects: 2000 } } })
    const limits = () => {
      const { hcaHandles, hcaObjects } = group!.stats().rdma![device]!
      return [hcaHandles.limit, hcaObjects.limit]
    }
    expect(limits()).toEqual([2, 2000])
    group!.update({ rdma: { [device]: { hcaObjects: 10 } } })
    expect(limits()).toEqual([2, 10])
    group!.update({ rdma: { [device]: { hcaHandles: 'max', hcaObjects: 'max' } } })
    expect(limits()).toEqual(['max', 'max'])
  })

  it('gives no more handles than are allowed, and counts them', async () => {
    create({ rdma: { [device]: { hcaHandles: 1 } } })
    const node = `/dev/infiniband/${readdirSync('/sys/class/infiniband_verbs').find((name) => name.startsWith('uverbs'))}`
    const child = spawn('python3', ['-c', opensTwice, node], { stdio: ['pipe', 'pipe', 'inherit'] })
    const end = once(child, 'close')
    group!.add(child.pid!)
    child.stdin.write('go\n')
    const [said] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
    expect(said).toBe('opened\nResource temporarily unavailable\n')
    expect(group!.stats().rdma![device]!.hcaHandles).toEqual({ current: 1, limit: 1 })
    child.stdin.end('end\n')
    await end
    expect(group!.stats().rdma![device]!.hcaHandles).toEqual({ current: 0, limit: 1 })
  })

  it('names the file and the value of a device that is not there', () => {
    expect(() => createCgroup(uniquePath(), { rdma: { 'ctr-rxe9': { hcaHandles: 1 } } })).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_REFUSED',
        path: expect.stringMatching(/\/rdma\.max$/) as unknown as string,
        value: 'ctr-rxe9 hca_handle=1',
      }),
    )
  })
})
