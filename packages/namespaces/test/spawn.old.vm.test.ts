import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { AT_FDCWD, MNT_DETACH, MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC } from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { inspectNamespaces, spawn, type SpawnOptions } from '../src/index.js'

leakCheck()

async function output(options: SpawnOptions): Promise<string> {
  const child = await spawn({ stdio: ['ignore', 'pipe', 'inherit'], ...options })
  const printed = await text(child.stdout!)
  expect(await child.wait()).toEqual({ exitCode: 0, signal: undefined })
  return printed
}

describeOn(['root', 'bin:busybox'], 'spawn() on Linux 5.10', () => {
  it('starts in new namespaces of all kinds', async () => {
    const printed = await output({
      command: [
        'sh',
        '-c',
        'hostname; echo $$; id -u; for n in mnt uts ipc pid net cgroup user; do readlink /proc/self/ns/$n; done',
      ],
      namespaces: {
        user: 'new',
        mount: 'new',
        uts: 'new',
        ipc: 'new',
        pid: 'new',
        network: 'new',
        cgroup: 'new',
      },
      idMaps: {
        uid: [{ inside: 0, outside: 100_000, size: 65_536 }],
        gid: [{ inside: 0, outside: 100_000, size: 65_536 }],
      },
      hostname: 'inside',
      prepare: (program) => {
        program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
        program.call('mount', ['proc', '/proc', 'proc', MS_NOSUID + MS_NODEV + MS_NOEXEC, null])
      },
    })
    const lines = printed.trim().split('\n')
    expect(lines.slice(0, 3)).toEqual(['inside', '1', '0'])
    expect(lines).toHaveLength(10)
    const ours = Object.values(inspectNamespaces())
    for (const line of lines.slice(3)) expect(ours).not.toContain(Number(/\d{6,}/.exec(line)?.[0]))
  })

  it('joins the namespaces of a process', async () => {
    const first = await spawn({ command: ['sleep', '1000'], namespaces: { uts: 'new', network: 'new' } })
    try {
      const { uts } = inspectNamespaces(first.pid)
      const joined = await output({
        command: ['readlink', '/proc/self/ns/uts'],
        namespaces: { uts: { pid: first.pid }, network: { pid: first.pid } },
      })
      expect(joined).toBe(`uts:[${uts}]\n`)
    } finally {
      first.kill(9)
      expect(await first.wait()).toMatchObject({ signal: 9 })
    }
  })

  it('says which command is not there', async () => {
    await expect(spawn({ command: ['/does/not/exist'] })).rejects.toThrow(
      'cannot execute "/does/not/exist": no such file or directory',
    )
  })

  describe('in a root without /proc', () => {
    let folder: ReturnType<typeof temporaryFolder>
    beforeAll(() => {
      folder = temporaryFolder()
      mkdirSync(join(folder.path, 'dev'))
      const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
      copyFileSync(busybox, join(folder.path, 'busybox'))
    })
    afterAll(() => {
      folder[Symbol.dispose]()
    })

    const inside = (mountProc: boolean): SpawnOptions => ({
      command: ['/busybox', 'echo', 'there'],
      namespaces: { mount: 'new', pid: 'new' },
      prepare: (program) => {
        program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
        program.call('mount', [folder.path, folder.path, null, MS_BIND, null])
        program.call('chdir', [folder.path])
        program.call('pivot_root', ['.', '.'])
        program.call('umount2', ['.', MNT_DETACH])
        program.call('chdir', ['/'])
        if (!mountProc) return
        program.call('mkdirat', [AT_FDCWD, '/proc', 0o755], { tolerate: ['EEXIST'] })
        program.call('mount', ['proc', '/proc', 'proc', MS_NOSUID + MS_NODEV + MS_NOEXEC, null])
        program.call('symlinkat', ['/proc/self/fd', AT_FDCWD, '/dev/fd'])
      },
    })

    it('says what TOMOYO wants there', async () => {
      expect(readFileSync('/sys/kernel/security/lsm', 'utf8')).toContain('tomoyo')
      await expect(spawn(inside(false))).rejects.toMatchObject({
        code: 'ERR_NAMESPACES_START',
        message: expect.stringMatching(
          /execveat.*ENOENT.*; the security module TOMOYO, before Linux 6\.12, wants \/dev\/fd/,
        ),
      })
    })

    it('starts once that is there', async () => {
      expect(await output(inside(true))).toBe('there\n')
    })
  })

  it('is the kernel that this is about', () => {
    expect(readFileSync('/proc/sys/kernel/osrelease', 'utf8')).toMatch(/^5\.10\./)
  })
})
