import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, jest } from '@jest/globals'
import { mount, umount2 } from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { createCgroup, detectHierarchy } from '../src/index.js'
import { runInside, uniquePath } from './child.js'

jest.setTimeout(60_000)
leakCheck()

/** Controllers that this kernel has, and nobody has mounted. */
function free(names: readonly string[]): string[] {
  const known = readFileSync('/proc/cgroups', 'utf8')
  return names.filter((name) => new RegExp(`^${name}\\s+0\\s`, 'm').test(known))
}

/**
 * Unmounts a hierarchy so that nothing of it stays. The kernel keeps one that is unmounted while it still puts away a
 * group; containerd finds no figures of containers while there is one that is mounted nowhere.
 */
async function unmount(target: string): Promise<void> {
  const name = basename(target)
  const groups = new RegExp(`^${name}\\s+\\d+\\s+1\\s`, 'm') // the topmost one alone
  await until(() => groups.test(readFileSync('/proc/cgroups', 'utf8')))
  umount2(target, 0)
  rmdirSync(target)
  await until(() => free([name]).length > 0)
}

async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 1000 && !condition(); attempt++) await sleep(20)
  expect(condition()).toBe(true)
}

describeOn(['root', 'cgroup1'], 'net_cls, net_prio and perf_event of v1', () => {
  it('mark what a group sends, and give a folder to count events of', async () => {
    using folder = temporaryFolder('ctr-cgroups-')
    const names = free(['net_cls', 'net_prio', 'perf_event'])
    const mounted: string[] = []
    try {
      for (const name of names) {
        const target = join(folder.path, name)
        mkdirSync(target)
        mount('cgroup', target, 'cgroup', 0, name)
        mounted.push(target)
      }
      const all = detectHierarchy()
      const mounts = all.mounts.filter(({ controllers }) =>
        controllers.some((name) => ['net_cls', 'net_prio', 'perf_event'].includes(name)),
      )
      const hierarchy = { ...all, mounts }
      const network = { classID: 0x10_0001, priorities: [{ name: 'lo', priority: 5 }] }
      await using group = createCgroup(uniquePath(), { network }, { hierarchy })
      const read = (controller: string, file: string) =>
        readFileSync(`${group.folder(controller)!}/${file}`, 'utf8').trim()
      expect(read('net_cls', 'net_cls.classid')).toBe(String(0x10_0001))
      expect(read('net_prio', 'net_prio.ifpriomap').split('\n')).toContain('lo 5')
      group.update({ network: { classID: 7 } })
      expect(read('net_cls', 'net_cls.classid')).toBe('7')
      const inside = runInside(group, 'echo up; exec sleep 1000')
      await inside.line
      expect(read('perf_event', 'cgroup.procs')).toBe(String(inside.pid))
      expect(() => group.update({ network: { priorities: [{ name: 'not-there', priority: 1 }] } })).toThrow(
        expect.objectContaining({
          code: 'ERR_CGROUP_REFUSED',
          errno: 'ENODEV',
          value: 'not-there 1',
          path: expect.stringContaining('net_prio.ifpriomap'),
        }),
      )
    } finally {
      for (const target of mounted) await unmount(target)
    }
  })
})
