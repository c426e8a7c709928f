import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import type { ConfigMount } from '../src/oci/config/config.js'
import { mappings, TestBundle } from './support/oci-container.js'

leakCheck()

let bundle: TestBundle
let volume: string
beforeEach(() => {
  bundle = new TestBundle()
  volume = bundle.beside('private/volume')
  mkdirSync(volume, { recursive: true })
  writeFileSync(join(volume, 'file'), 'content\n')
  chownSync(join(volume, 'file'), 7, 9)
})
afterEach(() => {
  bundle[Symbol.dispose]()
})
const map = (containerID: number, hostID: number) => [{ containerID, hostID, size: 10 }]

describeOn(['root', 'userns'], 'mounts of a container with a user namespace', () => {
  it('are of folders that its ids cannot reach', async () => {
    chmodSync(bundle.beside('private'), 0)
    const mounts = [{ destination: '/mnt', source: volume, options: ['bind', 'ro'] }]
    expect(await bundle.output('cat /mnt/file; stat -c %u:%g /mnt/file', { mounts, user: true })).toBe(
      'content\n65534:65534',
    )
  })

  it('keep what their source has, and nothing can ask for less', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'noatime', 'tmpfs', volume])
    try {
      execFileSync('mount', ['-o', 'remount,bind,nodev,noexec,noatime', volume])
      const flags = async (options: string[], user = true) =>
        await bundle
          .run('grep " /mnt " /proc/mounts | cut -d" " -f4', {
            mounts: [{ destination: '/mnt', source: volume, options: ['bind', ...options] }],
            user,
          })
          .then(
            ({ output }) =>
              output
                .split(',')
                .filter((flag) => /^(ro|rw|no)/.test(flag) && flag !== 'nosymfollow')
                .join(' '),
            String,
          )
      expect(await flags([])).toBe('rw nodev noexec noatime')
      expect(await flags(['ro'])).toBe('ro nodev noexec noatime')
      expect(await flags(['exec'])).toMatch(/error mounting .*cannot clear noexec.*operation not permitted/)
      expect(await flags(['relatime'])).toMatch(/cannot clear its access times.*operation not permitted/)
      expect(await flags(['noatime'])).toBe('rw nodev noexec noatime')
      expect(await flags(['exec'], false)).toBe('rw noatime')
    } finally {
      execFileSync('umount', [volume])
    }
  })

  it('show the host where the kernel gives nothing of its own', async () => {
    const sys = [{ destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro', 'nosuid'] }]
    const namespaces = (['pid', 'mount', 'ipc', 'user'] as const).map((type) => ({ type }))
    const linux = { namespaces, uidMappings: mappings, gidMappings: mappings }
    expect(
      await bundle.output('test -d /sys/class/net && grep -o " /sys sysfs ro,nosuid" /proc/mounts', {
        mounts: sys,
        linux,
      }),
    ).toBe(' /sys sysfs ro,nosuid')
  })

  it('have devices with the modes and owners that they are to have', async () => {
    const devices = [
      { path: '/dev/foo', type: 'b' as const, major: 1, minor: 5, uid: 10, gid: 11, fileMode: 0o157 },
      { path: '/dev/deep/fifo', type: 'p' as const, major: 0, minor: 0, uid: 1, gid: 2, fileMode: 0o640 },
    ]
    const linux = {
      devices,
      namespaces: (['pid', 'mount', 'user'] as const).map((type) => ({ type })),
      uidMappings: mappings,
      gidMappings: mappings,
    }
    const script =
      'stat -c "%a %u:%g %t,%T" /dev/foo /dev/deep/fifo; echo x > /dev/null; grep -o "/dev/null .*nosuid.*noexec" /proc/mounts'
    expect(await bundle.output(script, { linux })).toMatch(/^157 10:11 1,5\n640 1:2 0,0\n\/dev\/null/)
  })
})

describeOn(['root', 'userns'], 'idmapped mounts', () => {
  const owner = (mount: Partial<ConfigMount>, user = false) =>
    bundle.output('stat -c %u:%g /mnt/file', {
      mounts: [{ destination: '/mnt', source: volume, ...mount }],
      user,
    })

  it('show the ids of their mappings, with and without a user namespace', async () => {
    const maps = { uidMappings: map(0, 100_000), gidMappings: map(0, 100_100) }
    expect(await owner({ options: ['bind'], ...maps })).toBe('100007:100109')
    expect(await owner({ options: ['bind'], ...maps }, true)).toBe('7:109')
    expect(await owner({ options: ['rbind', 'idmap'] }, true)).toBe('7:9')
    expect(await owner({ options: ['bind', 'idmap=uids=0-5000-10;gids=0-6000-10'] })).toBe('5007:6009')
    expect(await owner({ options: ['bind', 'idmap=uids=@0-20-10;gids=@0-30-10'] }, true)).toBe('27:39')
  })

  it('are as deep as it says', async () => {
    mkdirSync(join(volume, 'below'))
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(volume, 'below')])
    try {
      writeFileSync(join(volume, 'below/file'), '')
      const owners = (option: string) =>
        bundle.output('stat -c %u /mnt/file /mnt/below/file', {
          mounts: [
            {
              destination: '/mnt',
              source: volume,
              options: ['rbind', option],
              uidMappings: map(0, 500),
              gidMappings: map(0, 500),
            },
          ],
        })
      expect(await owners('idmap')).toBe('507\n0')
      expect(await owners('ridmap')).toBe('507\n500')
    } finally {
      execFileSync('umount', [join(volume, 'below')])
    }
  })

  it('are binds, with ids that are known', async () => {
    const refusal = (mount: Partial<ConfigMount>, user = false) =>
      bundle.refusal({ mounts: [{ destination: '/mnt', source: volume, ...mount }], user })
    expect(await refusal({ type: 'tmpfs', uidMappings: map(0, 1), gidMappings: map(0, 1) })).toContain(
      'only bind mounts',
    )
    expect(await refusal({ options: ['bind', 'idmap=uids=@0-99999-1;gids=@0-1-1'] }, true)).toContain(
      'id 99999 is not mapped',
    )
  })
})
