import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import {
  AF_UNIX,
  bind,
  closeFd,
  Fd,
  MSG_DONTWAIT,
  O_CLOEXEC,
  onReadable,
  pipe2,
  recvFds,
  SOCK_DGRAM,
  socket,
  unixAddress,
} from '@ctr/linux'
import { describeOn, leakCheck } from '@ctr/testing'
import { openLog } from '../src/oci/log.js'
import { OciRuntime } from '../src/oci/runtime.js'
import { all, Arena, without, type Change } from './support/arena.js'

leakCheck()

const annotated =
  (annotations: Record<string, string>): Change =>
  (config) => ({ ...config, annotations })

const asUser =
  (uid: number, gid: number): Change =>
  (config) => ({ ...config, process: { ...config.process!, user: { uid, gid } } })

describeOn(['root', 'bin:busybox'], 'what others have found missing', () => {
  let arena: Arena

  beforeAll(() => {
    arena = new Arena()
  })
  afterAll(() => {
    arena[Symbol.dispose]()
  })

  it('sets the loopback device up in a new network namespace', async () => {
    const { output } = await arena.run('cat /sys/class/net/lo/flags')
    expect(Number(output) & 1).toBe(1) // IFF_UP
  })

  it('gives pipes and files to the user of the process, but no devices', async () => {
    const [reading, writing] = pipe2(O_CLOEXEC)
    const nothing = openSync('/dev/null', 'r')
    try {
      await using attacker = await arena.start('echo again > /dev/stdout', asUser(1000, 1001), {
        stdio: [nothing, writing, writing],
      })
      await attacker.container.wait()
      const { uid, gid } = fstatSync(writing)
      expect([uid, gid]).toEqual([1000, 1001])
      const text = Buffer.alloc(64)
      expect(text.toString('utf8', 0, readSync(reading, text))).toBe('again\n')
      expect(fstatSync(nothing).uid).toBe(0)
    } finally {
      for (const fd of [reading, writing, nothing]) closeSync(fd)
    }
  })

  it('makes a container without a process, which cannot be started', async () => {
    await using attacker = await arena.create('unused', ({ process: _, ...config }) => config)
    expect(attacker.container.state().status).toBe('created')
    await expect(attacker.container.start()).rejects.toThrow('has no process')
    await attacker.container.wait()
    expect(attacker.container.state().status).toBe('stopped')
  })

  it('deletes a container whose poststart hook fails', async () => {
    const { container, bundle } = await arena.create('exec sleep 60', (config) => ({
      ...config,
      hooks: {
        poststart: [{ path: '/bin/false' }],
        poststop: [{ path: '/bin/sh', args: ['sh', '-c', 'cat > stopped'] }],
      },
    }))
    await expect(container.start()).rejects.toMatchObject({ code: 'ERR_RUNTIME_HOOK' })
    expect(() => container.state()).toThrow('does not exist')
    expect(JSON.parse(readFileSync(join(bundle, 'stopped'), 'utf8'))).toMatchObject({ status: 'stopped' })
  })

  it('leaves out mounts where they would stay on the host, and says so', async () => {
    const file = join(arena.path, 'log')
    using log = openLog({ file })
    const runtime = OciRuntime.open({ root: join(arena.path, 'state'), log })
    const bundle = arena.bundle('exec sleep 60', all(without('mount'), withoutPaths))
    const before = readFileSync('/proc/self/mountinfo', 'utf8')
    const container = await runtime.create('unmounted', { bundle, stdio: ['ignore', 'ignore', 'ignore'] })
    try {
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(before)
      expect(readFileSync(file, 'utf8')).toContain('leaving out mounts')
    } finally {
      await container.delete({ force: true })
    }
  })

  it('refuses filters of unknown system calls only where that is asked for', async () => {
    const filtered: Change = (config) => ({
      ...config,
      linux: {
        ...config.linux,
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['no_such_call'], action: 'SCMP_ACT_ERRNO' }],
        },
      },
    })
    expect(await arena.run('echo runs', filtered)).toEqual({ exitCode: 0, output: 'runs\n' })
    const strict = annotated({ 'run.oci.seccomp_fail_unknown_syscall': '1' })
    await expect(arena.run('true', all(filtered, strict))).rejects.toMatchObject({
      code: 'ERR_RUNTIME_SECCOMP',
      message: expect.stringContaining('no_such_call'),
    })
  })

  it('tells a service manager that the container is ready', async () => {
    const host = join(arena.path, 'manager')
    using manager = new Fd(socket(AF_UNIX, SOCK_DGRAM, 0))
    bind(manager.number, unixAddress(host))
    const say = `import os,socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"STATUS=on its way", os.environ["NOTIFY_SOCKET"])
s.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
import time; time.sleep(60)`
    await using attacker = await arena.create(['python3', '-c', say], undefined, { notifySocket: host })
    const { ready } = await attacker.container.start({ notifySocket: host })
    const messages: string[] = []
    while (messages.at(-1) !== 'BARRIER=1') messages.push(await receive(manager.number))
    expect(messages).toEqual(['READY=1\n', `MAINPID=${attacker.container.pid}\n`, 'BARRIER=1'])
    expect(await ready).toBe(true)
    expect((await attacker.exec('ls -d /run/notify')).exitCode).not.toBe(0)
    expect((await attacker.exec(`ls ${host}`)).output).toBe('notify.sock\n')
  })

  it('does not wait for a container that ends without a word', async () => {
    await using attacker = await arena.create('true', undefined, { notifySocket: '/no/manager' })
    const { ready } = await attacker.container.start({ notifySocket: '/no/manager' })
    expect(await ready).toBe(false)
    expect(existsSync('/no')).toBe(false)
  })
})

/** What needs a mount namespace. */
const withoutPaths: Change = (config) => ({
  ...config,
  linux: { ...config.linux, maskedPaths: undefined, readonlyPaths: undefined },
})

async function receive(fd: number): Promise<string> {
  await new Promise<void>((resolve) => onReadable(fd, resolve))
  const buffer = Buffer.alloc(256)
  const { length, fds } = recvFds(fd, buffer, MSG_DONTWAIT)
  for (const passed of fds) closeFd(passed)
  return buffer.toString('utf8', 0, length)
}
