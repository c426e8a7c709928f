import { closeSync, mkdirSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { all, Arena, without, type Change } from '../support/arena.js'

leakCheck()

const inFolder =
  (cwd: string): Change =>
  (config) => ({ ...config, process: { ...config.process!, cwd } })

describeOn(
  ['root', 'bin:busybox'],
  'OciRuntime and working directories that lead out (CVE-2024-21626)',
  () => {
    let arena: Arena
    /** Folders of the host that this process has open, as a careless caller might. */
    let fds: number[]
    beforeAll(() => {
      arena = new Arena()
      mkdirSync(join(arena.path, 'host/inner'), { recursive: true })
      writeFileSync(join(arena.path, 'host/secret'), 'of the host\n')
      fds = ['/', '/sys/fs/cgroup', join(arena.path, 'host/inner')].map((path) => openSync(path, 'r'))
    })
    afterAll(() => {
      for (const fd of fds) closeSync(fd)
      arena[Symbol.dispose]()
    })

    /** What a process says that works there: paths of the host, or why it was not started. */
    const look =
      'cat ../secret; cat ../../../host/secret; cat etc/hostname ../etc/hostname ../../etc/hostname; ls -d var/lib/dpkg ../var/lib/dpkg; pwd'
    const harmless = /^((cat|ls): .*\n)*(\/|sh: getcwd.*)?\n?$/

    it('starts nothing in a descriptor of the runtime', async () => {
      const highest = Math.max(...fds)
      for (let fd = 3; fd <= highest; fd++) {
        const outcome = arena.run(look, inFolder(`/proc/self/fd/${fd}`))
        await expect(outcome.then(({ output }) => output)).rejects.toMatchObject({ name: 'RuntimeError' })
      }
    })

    it('starts nothing in a link to one, and makes no folder behind it', async () => {
      for (const fd of fds) {
        const bundle = arena.bundle(look, inFolder('/work/link/made'))
        rmSync(join(bundle, 'rootfs/work'), { recursive: true })
        symlinkSync(`/proc/self/fd/${fd}`, join(bundle, 'rootfs/work'))
        await expect(arena.runtime.create('attack-link', { bundle })).rejects.toMatchObject({
          name: 'RuntimeError',
        })
      }
    })

    it('executes nothing in a descriptor, a link to one, or /proc/self/cwd of the runtime', async () => {
      await using attacker = await arena.start(['sleep', '60'])
      const highest = Math.max(...fds)
      for (let fd = 3; fd <= highest; fd++) {
        symlinkSync(`/proc/self/fd/${fd}`, join(attacker.rootfs, `tmp/${fd}`))
        for (const cwd of [`/proc/self/fd/${fd}`, `/tmp/${fd}`, `/proc/thread-self/fd/${fd}/..`])
          await expect(attacker.exec(look, { process: { cwd } })).rejects.toMatchObject({
            name: 'RuntimeError',
          })
      }
      for (const cwd of ['/proc/self/cwd', '/proc/self/root', '/proc/1/cwd']) {
        const outcome = await attacker.exec(look, { process: { cwd } }).catch(() => undefined)
        expect(outcome?.output ?? '').toMatch(harmless)
      }
    })

    it("executes nothing in the host's root where it sees processes of the host", async () => {
      await using attacker = await arena.start(['sleep', '60'], without('pid'))
      symlinkSync('/proc/1/root', join(attacker.rootfs, 'tmp/root'))
      symlinkSync(`/proc/${process.pid}/cwd`, join(attacker.rootfs, 'tmp/cwd'))
      for (const cwd of [
        '/proc/1/root',
        '/tmp/root',
        '/tmp/root/etc',
        '/tmp/cwd',
        `/proc/${process.pid}/fd/${fds[0]!}`,
      ])
        await expect(attacker.exec(look, { process: { cwd } })).rejects.toMatchObject({
          name: 'RuntimeError',
        })
      await expect(arena.run(look, all(without('pid'), inFolder('/proc/1/root')))).rejects.toMatchObject({
        name: 'RuntimeError',
      })
    })
  },
)

describeOn(['root', 'bin:busybox'], 'OciRuntime and preserved descriptors', () => {
  it('passes exactly those that were asked for', async () => {
    using arena = new Arena()
    const list = 'for fd in /proc/self/fd/*; do echo ${fd##*/} $(readlink $fd); done'
    const others = Array.from({ length: 8 }, () => openSync(arena.path, 'r'))
    try {
      const numbers = (output: string): number[] =>
        output
          .trim()
          .split('\n')
          .filter((line) => / [^/]*\/|pipe|socket|anon/.test(line) && !/ \/(proc|dev\/pts)/.test(line))
          .map((line) => Number(line.split(' ')[0]))
      expect(numbers((await arena.run(list)).output).filter((fd) => fd > 2)).toEqual([])
      await using attacker = await arena.start(['sleep', '60'])
      expect(numbers((await attacker.exec(list)).output).filter((fd) => fd > 2)).toEqual([])
    } finally {
      for (const fd of others) closeSync(fd)
    }
  })
})
