import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { createCgroup, type Cgroup, type Resources } from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

const MiB = 2 ** 20
let groups: Cgroup[] = []
const create = (resources: Resources): Cgroup => {
  const group = createCgroup(uniquePath(), resources)
  groups.push(group)
  return group
}
const read = (group: Cgroup, controller: string, file: string): string =>
  readFileSync(`${group.folder(controller)!}/${file}`, 'utf8').trim()
afterEach(async () => {
  for (const group of groups) await group[Symbol.asyncDispose]()
  groups = []
})

describeOn(['root', 'cgroup2'], 'what groups share on v2', () => {
  it('cpu: is shared by weight, as near as a translated machine comes to it, where two want all of a processor', async () => {
    const [small, large] = [512, 4096].map((shares) => create({ cpu: { shares, cpus: '0' } })) as [
      Cgroup,
      Cgroup,
    ]
    const asked = Number(read(large, 'cpu', 'cpu.weight')) / Number(read(small, 'cpu', 'cpu.weight'))
    expect(asked).toBeGreaterThan(3)
    for (const group of [small, large]) await runInside(group, 'echo up; while :; do :; done').line
    await sleep(1000)
    const used = () => [small, large].map((group) => group.stats().cpu!.usageUsec) as [number, number]
    const before = used()
    await sleep(10_000)
    const after = used()
    const given = (after[1] - before[1]) / (after[0] - before[0])
    expect(given / asked).toBeGreaterThan(0.5)
    expect(given / asked).toBeLessThan(1.5)
  })

  it('memory: a group that is to end as a whole does, when one of it wants too much', async () => {
    const group = create({ memory: { limit: 24 * MiB, swap: 24 * MiB, killAllOnOom: true } })
    const other = runInside(group, 'echo up; exec sleep 1000')
    await other.line
    expect(await runInside(group, 'exec tail /dev/zero').end).toBe('SIGKILL')
    expect(await other.end).toBe('SIGKILL')
    expect(group.oomKills()).toBeGreaterThanOrEqual(2)
  })
})

describeOn(['root', 'cgroup2'], 'weights of a disk on v2', () => {
  const scheduler = '/sys/block/vda/queue/scheduler'
  let before: string
  beforeAll(() => {
    execFileSync('modprobe', ['bfq'])
    before = /\[(.+)\]/.exec(readFileSync(scheduler, 'utf8'))![1]!
    writeFileSync(scheduler, 'bfq')
  })
  afterAll(() => {
    writeFileSync(scheduler, before)
  })

  it('are those of BFQ where it schedules, of all disks and of one', () => {
    const group = create({ blockIO: { weight: 200, weightDevice: [{ major: 254, minor: 0, weight: 700 }] } })
    expect(read(group, 'io', 'io.bfq.weight')).toBe('default 200\n254:0 700')
    group.update({ blockIO: { weight: 300 } })
    expect(read(group, 'io', 'io.bfq.weight')).toBe('default 300') // the kernel forgets that of the disk then
  })
})

describeOn(['root', 'cgroup2', 'bin:python3'], 'huge pages on v2', () => {
  const pool = '/proc/sys/vm/nr_hugepages'
  beforeAll(() => {
    writeFileSync(pool, '8')
    expect(readFileSync(pool, 'utf8')).toBe('8\n')
  })
  afterAll(() => {
    writeFileSync(pool, '0')
  })

  it('are given up to the limit, and counted', async () => {
    const group = create({ hugepageLimits: [{ pageSize: '2MB', limit: 4 * MiB }] })
    const script = `
import mmap, sys
held = []
for n in range(3):
    try:
        held.append(mmap.mmap(-1, 2 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000))
        held[-1][0] = 1
    except OSError as error:
        print(len(held), error.strerror, flush=True)
sys.stdin.read()
`
    const child = runInside(group, `exec python3 -c '${script}' < <(exec sleep 1000)`)
    expect(await child.line).toBe('2 Cannot allocate memory')
    expect(group.stats().hugetlb!['2MB']).toMatchObject({ usage: 4 * MiB, limit: 4 * MiB })
    await group.kill()
    expect(await child.end).toBe('SIGKILL')
  })
})
