import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import type { ConfigPropagation } from '../src/oci/config/config.js'
import { TestBundle } from './support/oci-container.js'

leakCheck()

let bundle: TestBundle
const inRoot = (path: string) => join(bundle.rootfs, path)
beforeEach(() => {
  bundle = new TestBundle()
})
afterEach(() => {
  bundle[Symbol.dispose]()
})

describeOn(['root'], 'maskedPaths and readonlyPaths', () => {
  it('hide folders behind one that is empty, and files behind the null device', async () => {
    for (const folder of ['one', 'two', 'three']) {
      mkdirSync(inRoot(folder))
      writeFileSync(inRoot(`${folder}/secret`), 'secret\n')
    }
    writeFileSync(inRoot('file'), 'secret\n')
    const maskedPaths = ['/one', '/file', '/two', '/three', '/proc/keys', '/proc/tty', '/nothing']
    const script = `cat /file /proc/keys; ls /one /two /three /proc/tty | grep -v :$; stat -c %d /one /two /three | uniq | wc -l
      touch /two/x 2>&1 | cut -d: -f3; umount /one 2>/dev/null; ls /one; stat -c %t,%T /file`
    for (const readonly of [false, true]) {
      expect(await bundle.output(script, { linux: { maskedPaths }, readonly })).toMatch(
        /^\s*1\n Read-only file system\n(secret\n)?1,3$/,
      )
    }
  })

  it('make paths read-only with what is below, and keep what their mount has', async () => {
    mkdirSync(bundle.beside('volume/deep'), { recursive: true })
    const mounts = [
      {
        destination: '/mnt',
        source: bundle.beside('volume'),
        options: ['rbind', 'nosuid', 'nodev', 'noexec'],
      },
      { destination: '/mnt/deep', type: 'tmpfs', source: 'tmpfs' },
    ]
    const script = `touch /mnt/x /mnt/deep/x 2>&1 | cut -d: -f3 | uniq
      grep -o " /mnt .* ro,nosuid,nodev,noexec" /proc/mounts | tail -n1 | cut -d' ' -f2`
    expect(await bundle.output(script, { mounts, linux: { readonlyPaths: ['/mnt', '/none'] } })).toBe(
      ' Read-only file system\n/mnt',
    )
  })
})

describeOn(['root'], 'devices', () => {
  it('have their kinds, modes and owners whatever the mode mask of ours is', async () => {
    const devices = [
      { path: '/dev/foo', type: 'b' as const, major: 1, minor: 5, uid: 10, gid: 11, fileMode: 0o157 },
      { path: '/dev/deep/u', type: 'u' as const, major: 251, minor: 1000, fileMode: 0o640 },
      { path: '/dev/fifo', type: 'p' as const, major: 0, minor: 0, uid: 1, gid: 2, fileMode: 0o660 },
      { path: '/slash/', type: 'c' as const, major: 1, minor: 3 },
      { path: '/dev/tty', type: 'c' as const, major: 5, minor: 0 },
      { path: '/dev/ptmx', type: 'c' as const, major: 5, minor: 2 },
    ]
    const before = process.umask(0o77)
    try {
      const script =
        'stat -c "%n %a %u:%g %t,%T %F" /dev/foo /dev/deep/u /dev/fifo /slash /dev/tty; readlink /dev/ptmx'
      expect((await bundle.output(script, { linux: { devices } })).split('\n')).toEqual([
        '/dev/foo 157 10:11 1,5 block special file',
        '/dev/deep/u 640 0:0 fb,3e8 character special file',
        '/dev/fifo 660 1:2 0,0 fifo',
        '/slash 666 0:0 1,3 character special file',
        '/dev/tty 666 0:0 5,0 character special file',
        'pts/ptmx',
      ])
    } finally {
      process.umask(before)
    }
    rmSync(inRoot('slash'))
  })

  it('are in a /dev that becomes read-only when it is complete', async () => {
    const standard = [
      { destination: '/proc', type: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'mode=755'] },
    ]
    const { output } = await bundle.run('test -c /dev/full && readlink /dev/fd; touch /dev/x', { standard })
    expect(output).toBe('/proc/self/fd\ntouch: /dev/x: Read-only file system')
  })

  it('are not made in a /dev of the host', async () => {
    mkdirSync(bundle.beside('dev'))
    const mounts = [{ destination: '/dev', source: bundle.beside('dev'), options: ['rbind'] }]
    expect(
      await bundle.output('ls /dev', { standard: [{ destination: '/proc', type: 'proc' }, ...mounts] }),
    ).toBe('')
  })
})

describeOn(['root'], 'the root', () => {
  it('has the propagation that it is to have', async () => {
    const kinds: Record<ConfigPropagation, RegExp> = {
      private: /^$/,
      rprivate: /^$/,
      shared: /^shared:/,
      rshared: /^shared:/,
      slave: /^(master:|$)/,
      rslave: /^(master:|$)/,
      unbindable: /^unbindable$/,
      runbindable: /^unbindable$/,
    }
    for (const [kind, expected] of Object.entries(kinds)) {
      const rootfsPropagation = kind as ConfigPropagation
      const script = `busybox awk '$5 == "/" { print $7 == "-" ? "" : $7 }' /proc/self/mountinfo`
      const linux = { rootfsPropagation, readonlyPaths: ['/proc/sys'], maskedPaths: ['/proc/keys'] }
      expect(await bundle.output(script, { linux })).toMatch(expected)
    }
  })

  it('is read-only while mounts in it are not', async () => {
    const mounts = [{ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }]
    const { output } = await bundle.run('touch /tmp/x && touch /x', { mounts, readonly: true })
    expect(output).toBe('touch: /x: Read-only file system')
  })

  it('that is moved leaves no proc of the host below it', async () => {
    const script = `busybox unshare -mrpf busybox sh -c 'busybox mount -t proc none /proc' 2>&1 | tail -n1`
    const linux = { maskedPaths: ['/proc/keys'] }
    expect(await bundle.output(script, { linux, noPivot: true })).toMatch(/permission denied|not permitted/i)
    expect(
      await bundle.output('cat /proc/1/comm; ls / | grep -c work', { noPivot: true }).catch(String),
    ).toContain('0')
  })
})

describeOn(['root'], 'a container without a mount namespace of its own', () => {
  it('has its root and no mounts, and leaves none on the host', async () => {
    const namespaces = [{ type: 'pid' as const }]
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
    expect(await bundle.output('ls /bin/busybox; pwd', { standard: [], linux: { namespaces } })).toBe(
      '/bin/busybox\n/',
    )
    expect(await bundle.refusal({ linux: { namespaces } })).toBe('made')
    expect(readFileSync('/proc/self/mounts', 'utf8')).toBe(mounts)
  })

  it('has its mounts in one that it joins', async () => {
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
    const other = spawn('unshare', ['--mount', 'sleep', '1000'])
    try {
      const path = `/proc/${other.pid}/ns/mnt`
      while (other.pid === undefined || readlinkSync(path) === readlinkSync('/proc/self/ns/mnt'))
        await sleep(5)
      const namespaces = [{ type: 'mount' as const, path }, { type: 'pid' as const }]
      const script = 'ls -d /bin/busybox /mnt/here; grep -c " / " /proc/mounts'
      const tmpfs = [{ destination: '/mnt/here', type: 'tmpfs', source: 'tmpfs' }]
      expect(await bundle.output(script, { mounts: tmpfs, linux: { namespaces } })).toBe(
        '/bin/busybox\n/mnt/here\n1',
      )
    } finally {
      other.kill('SIGKILL')
      await once(other, 'exit')
    }
    expect(readFileSync('/proc/self/mounts', 'utf8')).toBe(mounts)
  })
})
