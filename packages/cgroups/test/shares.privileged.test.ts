import { execFileSync } from 'node:child_process'
import { statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { createCgroup, type BlockIoResources, type CgroupStats } from '../src/index.js'
import { runInside, uniquePath } from './child.js'
import { nearOne } from './near-one.js'

leakCheck()

const MiB = 2 ** 20

/** Figures at the beginning and at the end of a time. */
async function during(ms: number, read: () => CgroupStats): Promise<[CgroupStats, CgroupStats, number]> {
  const [before, start] = [read(), performance.now()]
  await sleep(ms)
  return [before, read(), performance.now() - start]
}

describeOn(['root', 'cgroup1'], 'quota of a processor', () => {
  it('is what a spinning process gets, within 10 %', async () => {
    const quota = 20_000
    await using group = createCgroup(uniquePath(), { cpu: { quota, period: 100_000 } })
    const spin = runInside(group, 'echo up; while :; do :; done')
    await spin.line
    const part = await nearOne(0.1, async () => {
      const [before, after] = await during(2000, () => group.stats())
      const periods = after.cpu!.throttling!.periods - before.cpu!.throttling!.periods
      return (after.cpu!.usageUsec - before.cpu!.usageUsec) / (periods * quota)
    })
    expect(part).toBeGreaterThan(0.9)
    expect(part).toBeLessThan(1.1)
  })
})

describeOn(['root', 'cgroup1', 'bin:losetup'], 'throttling of a block device', () => {
  it.each([
    ['bytes', { rate: 4 * MiB, list: 'throttleReadBpsDevice', block: '64k' }],
    ['operations', { rate: 100, list: 'throttleReadIOPSDevice', block: '16k' }],
  ] as const)('lets through the %s asked for, within 15 %%', async (_, { rate, list, block }) => {
    using folder = temporaryFolder('ctr-cgroups-')
    const image = join(folder.path, 'disk')
    writeFileSync(image, '')
    truncateSync(image, 512 * MiB)
    const device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim()
    try {
      const { rdev } = statSync(device)
      const numbers = { major: rdev >> 8, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00) }
      const blockIO: BlockIoResources = { [list]: [{ ...numbers, rate }] }
      await using group = createCgroup(uniquePath(), { blockIO })
      const reader = runInside(
        group,
        `echo up; exec dd if=${device} of=/dev/null bs=${block} iflag=direct status=none`,
      )
      await reader.line
      await sleep(500)
      const part = await nearOne(0.15, async () => {
        const [before, after, ms] = await during(3000, () => group.stats())
        const count = ({ io }: CgroupStats) =>
          list === 'throttleReadBpsDevice' ? io!.readBytes : io!.readOps
        return (count(after) - count(before)) / (rate * (ms / 1000))
      })
      expect(part).toBeGreaterThan(0.85)
      expect(part).toBeLessThan(1.15)
      const [found] = group.stats().io!.devices
      expect(found).toMatchObject(numbers)
      await group.kill()
      await reader.end
    } finally {
      execFileSync('losetup', ['--detach', device])
    }
  })
})
