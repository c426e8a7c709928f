import { mkdirSync, openSync, readFileSync, rmdirSync } from 'node:fs'
import { afterEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck, type Need } from '@ctr/testing'
import { Fd } from '@ctr/linux'
import { attachedPrograms, attachProgram, loadDeviceProgram } from '../src/devices/bpf.js'
import { deviceProgram } from '../src/devices/device-program.js'
import {
  createCgroup,
  defaultDeviceRules,
  detectHierarchy,
  type Cgroup,
  type DeviceRule,
  type Hierarchy,
} from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

/** The unified hierarchy alone, which hybrid hosts have beside the others. */
const needs: Need[] = readFileSync('/proc/self/mountinfo', 'utf8').includes(' - cgroup2 ')
  ? ['root']
  : ['root', 'cgroup2']
const v2Only = (): Hierarchy => {
  const mounts = detectHierarchy().mounts.filter(({ version }) => version === 2)
  return { mode: 'v2', mounts, controllers: new Map() }
}

let group: Cgroup | undefined
const create = (devices: readonly DeviceRule[]): Cgroup =>
  (group = createCgroup(uniquePath(), { devices }, { hierarchy: v2Only() }))
afterEach(async () => {
  await group?.[Symbol.asyncDispose]()
  group = undefined
})
const folderOf = (path: string) => v2Only().mounts[0]!.mountpoint + path
/** Bytes or an error word for each attempt, from a program inside. */
const attempt = (script: string) => runInside(group!, script).line

describeOn(needs, 'device rules of v2 on the real kernel', () => {
  it('let the usual devices be opened, and no other', async () => {
    create(defaultDeviceRules)
    expect(
      await attempt(
        '(: </dev/null) && (: >/dev/null) && (head -c 1 /dev/zero >/dev/null) && (: </dev/urandom) && echo opened',
      ),
    ).toBe('opened')
    expect(await attempt('exec 2>&1; (: </dev/kmsg)')).toMatch(/kmsg: Operation not permitted$/)
  })

  it('tell reading, writing and making apart', async () => {
    create([
      { allow: false, type: 'a', access: 'rwm' },
      { allow: true, type: 'c', major: 1, minor: 3, access: 'w' },
    ])
    expect(
      await attempt(
        '(: >/dev/null) && w=yes; (: </dev/null) && r=yes; mknod /tmp/ctr-null-$$ c 1 3 && m=yes; rm -f /tmp/ctr-null-$$; echo w=$w r=$r m=$m',
      ),
    ).toBe('w=yes r= m=')
  })

  it('take a device out of a wider rule', async () => {
    create([
      { allow: true, type: 'a', access: 'rwm' },
      { allow: false, type: 'c', major: 1, minor: 5, access: 'r' },
    ])
    expect(await attempt('(: </dev/null) && a=yes; (: </dev/zero) && b=yes; echo a=$a b=$b')).toBe('a=yes b=')
  })

  it('are replaced by an update, in one step, leaving one program', async () => {
    create([{ allow: true, type: 'c', major: 1, minor: 3, access: 'rw' }])
    using folder = new Fd(openSync(folderOf(group!.path), 'r'))
    const [first] = attachedPrograms(folder)
    // opens all the time: a moment without rules, or with none but the new, would show
    const inside = runInside(
      group!,
      'echo up; while :; do (: </dev/null) || echo lost; (: </dev/kmsg) && echo found; done 2>&-',
    )
    let text = ''
    inside.process.stdout!.on('data', (chunk: string) => (text += chunk))
    await inside.line
    for (let n = 0; n < 50; n++)
      group!.update({
        devices: [
          { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
          { allow: n % 2 === 0, type: 'c', major: 1, minor: 5, access: 'r' },
        ],
      })
    const programs = attachedPrograms(folder)
    expect(programs).toHaveLength(1)
    expect(programs[0]).not.toBe(first)
    await group!.kill()
    await inside.end
    expect(text).toBe('up\n')
  })

  it('leave programs of others alone', () => {
    const path = uniquePath()
    mkdirSync(folderOf(path))
    try {
      using folder = new Fd(openSync(folderOf(path), 'r'))
      using other = loadDeviceProgram(deviceProgram(defaultDeviceRules), 'somebody')
      attachProgram(folder, other)
      const [first] = attachedPrograms(folder)
      group = createCgroup(path, { devices: defaultDeviceRules }, { hierarchy: v2Only(), existing: 'use' })
      group.update({ devices: defaultDeviceRules })
      const programs = attachedPrograms(folder)
      expect(programs).toHaveLength(2)
      expect(programs).toContain(first)
    } finally {
      if (!group) rmdirSync(folderOf(path))
    }
  })
})
